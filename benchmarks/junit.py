# SPDX-License-Identifier: Apache-2.0
"""Gates as JUnit XML, which every CI system reads. What could not be judged is skipped, or failed
when strict."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree


def as_xml(document: dict[str, Any], strict: bool) -> str:
    gates = document["gates"]
    suite = ElementTree.Element("testsuite", name="talkrt.bench", tests=str(len(gates)))
    failures = skipped = 0
    for gate in gates:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_subject(document), name=gate["name"]
        )
        unsure = gate["outcome"] in ("invalid", "inconclusive")
        if gate["outcome"] == "fail" or (unsure and strict):
            failures += 1
            failed = ElementTree.SubElement(case, "failure", message=gate["detail"])
            failed.text = gate["outcome"]
        elif unsure:
            skipped += 1
            ElementTree.SubElement(case, "skipped", message=gate["detail"])
        ElementTree.SubElement(case, "system-out").text = gate["detail"]
    suite.set("failures", str(failures))
    suite.set("skipped", str(skipped))
    suite.set("errors", "0")
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def _subject(document: dict[str, Any]) -> str:
    plan = document.get("environment", {}).get("plan")
    return str(plan or document["schema"])
