# SPDX-License-Identifier: Apache-2.0
"""The page around plots and tables: one file, readable offline, printed as it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;color:#1c2530;margin:0;background:#f6f7f9}
main{max-width:1080px;margin:0 auto;padding:24px}
h1{font-size:22px;margin:0 0 4px}h2{font-size:16px;margin:0 0 8px}
section{background:#fff;border:1px solid #e2e5ea;border-radius:8px;padding:16px;margin:14px 0}
.cards{display:flex;flex-wrap:wrap;gap:10px}
.card{border:1px solid #e2e5ea;border-radius:8px;padding:10px 14px;background:#fff;min-width:130px}
.card b{display:block;font-size:22px}.card span{color:#5b6572;font-size:13px}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:14px}
.two section{margin:0}
svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:#5b6572}
.grid{stroke:#e8eaee}table{border-collapse:collapse;width:100%}
td,th{padding:3px 8px;border-bottom:1px solid #edeff2;text-align:right}
td:first-child,th:first-child{text-align:left}
td.text{text-align:left}
.state{padding:2px 9px;border-radius:10px;color:#fff;font-size:13px}
.good{background:#2f8f5b}.bad{background:#b3372f}.unsure{background:#a8772a}
.legend{margin:8px 0 0;color:#5b6572;font-size:13px}.legend span{margin-right:14px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px}
.note{color:#5b6572;font-size:13px;margin:8px 0 0}
"""


def page(title: str, subtitle: str, body: Sequence[str]) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f'<h1>{escape(title)}</h1><p class="note">{escape(subtitle)}</p>'
        f"{''.join(body)}</main></body></html>\n"
    )


def section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def two(*sections: str) -> str:
    return f'<div class="two">{"".join(sections)}</div>'


def cards(values: Sequence[tuple[str, str]]) -> str:
    inside = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for name, value in values
    )
    return f'<div class="cards">{inside}</div>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> str:
    """Cells are escaped here; the first `text_columns` are words."""

    def cell(index: int, value: str) -> str:
        kind = ' class="text"' if index < text_columns else ""
        return f"<td{kind}>{escape(value)}</td>"

    body = "".join(
        "<tr>" + "".join(cell(i, value) for i, value in enumerate(row)) + "</tr>" for row in rows
    )
    heads = "".join(f"<th>{escape(name)}</th>" for name in head)
    return f"<table><tr>{heads}</tr>{body}</table>"


def state(word: str) -> str:
    kind = {"valid": "good", "pass": "good", "same": "good", "faster": "good",
            "fail": "bad", "slower": "bad"}.get(word, "unsure")  # fmt: skip
    return f'<span class="state {kind}">{escape(word)}</span>'


def words(name: str, text: str) -> str:
    return f"<b>{escape(name)}</b> {escape(text)}"


def note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'
