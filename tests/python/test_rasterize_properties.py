# SPDX-License-Identifier: Apache-2.0
"""What must hold for any scene: cameras, batches, threads, quaternions, order, parts."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .gaussians import make

SEEDS = st.integers(0, 10_000)
SIDES = st.integers(1, 90)
few = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@few
@given(SEEDS, SIDES, SIDES, st.permutations(range(4)), st.sampled_from(["gsplat", "inria"]))
def test_order_of_cameras_is_order_of_pictures(
    seed: int, width: int, height: int, order: list[int], convention: str
) -> None:
    scene = make(150, width, height, seed, cameras=4)
    turned = scene.changed(viewmats=scene.viewmats[order], Ks=scene.Ks[order])
    colors, alphas, meta = scene.draw(convention=convention, packed=False)
    again, alphas_again, meta_again = turned.draw(convention=convention, packed=False)
    assert (again == colors[order]).all() and (alphas_again == alphas[order]).all()
    for name in ("radii", "means2d", "depths", "conics", "opacities", "invalid"):
        assert (meta_again[name] == meta[name][order]).all()


@few
@given(SEEDS, SIDES, SIDES, st.sampled_from(["RGB", "RGB+ED", "D"]))
def test_a_batch_is_its_single_pictures_bit_for_bit(
    seed: int, width: int, height: int, mode: str
) -> None:
    scene = make(150, width, height, seed, cameras=3)
    colors, alphas, _ = scene.draw(render_mode=mode)
    for c in range(3):
        alone = scene.changed(viewmats=scene.viewmats[c : c + 1], Ks=scene.Ks[c : c + 1])
        one, alpha, _ = alone.draw(render_mode=mode)
        assert one.tobytes() == colors[c : c + 1].tobytes()
        assert alpha.tobytes() == alphas[c : c + 1].tobytes()


@few
@given(SEEDS, SIDES, SIDES, st.integers(1, 9))
def test_threads_do_not_change_a_bit(seed: int, width: int, height: int, threads: int) -> None:
    scene = make(2500, width, height, seed, cameras=1)
    first = scene.draw(threads=1, render_mode="RGB+D")
    again = scene.draw(threads=threads, render_mode="RGB+D")
    shared = scene.draw(render_mode="RGB+D")
    assert first[0].tobytes() == again[0].tobytes() == shared[0].tobytes()
    assert first[1].tobytes() == again[1].tobytes() == shared[1].tobytes()


@few
@given(SEEDS, st.floats(-60, 60), st.floats(0.1, 10))
def test_sign_and_length_of_quaternions_do_not_matter(
    seed: int, exponent: float, factor: float
) -> None:
    scene = make(150, 50, 40, seed, cameras=1)
    expected = scene.draw()[0]
    assert (scene.changed(quats=-scene.quats).draw()[0] == expected).all()
    scaled = scene.quats * np.float32(2.0 ** round(exponent))
    assert (scene.changed(quats=scaled).draw()[0] == expected).all()
    # Any other factor rounds the quaternion itself.
    close = scene.changed(quats=scene.quats * np.float32(factor)).draw()[0]
    assert np.mean(np.abs(close - expected)) < 1e-5 and np.abs(close - expected).max() < 0.02


@few
@given(SEEDS, st.randoms(use_true_random=False))
def test_order_of_gaussians_does_not_matter_when_depths_differ(seed: int, random: object) -> None:
    scene = make(150, 50, 40, seed, cameras=1)
    z = scene.means @ scene.viewmats[0, 2, :3]
    assert len(np.unique(z)) > 140
    order = np.random.default_rng(seed).permutation(np.flatnonzero(_first_of_each(z)))
    assert (scene.some(order).draw()[0] == scene.some(np.sort(order)).draw()[0]).all()


@few
@given(SEEDS, st.floats(0, 1))
def test_near_part_over_far_part_is_the_whole(seed: int, share: float) -> None:
    scene = make(150, 50, 40, seed, cameras=1)
    z = scene.means @ scene.viewmats[0, 2, :3] + scene.viewmats[0, 2, 3]
    cut = np.quantile(z, share)
    near, alpha, _ = scene.some(z <= cut).draw()
    far, far_alpha, _ = scene.some(z > cut).draw()
    whole, whole_alpha, _ = scene.draw()
    # Apart, each side has its own last splat at transmittance 1e-4: up to 0.01 of a colour more.
    assert np.abs(near + (1 - alpha) * far - whole).max() < 0.02
    assert np.abs(alpha + (1 - alpha) * far_alpha - whole_alpha).max() < 0.02


@few
@given(SEEDS, st.integers(0, 40), st.integers(0, 40))
def test_gaussians_that_cannot_be_seen_change_nothing(seed: int, before: int, after: int) -> None:
    scene = make(100, 50, 40, seed, cameras=1)
    hidden = make(before + after, 50, 40, seed + 1, cameras=1)
    hidden.opacities[:] = 0
    hidden.means[::2] = np.nan
    parts = [hidden.some(slice(0, before)), scene, hidden.some(slice(before, None))]
    names = ("means", "quats", "scales", "opacities", "colors")
    joined = scene.changed(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})
    colors, alphas, meta = joined.draw()
    expected, alphas_expected, said = scene.draw()
    assert (colors == expected).all() and (alphas == alphas_expected).all()
    assert (meta["gaussian_ids"] - before == said["gaussian_ids"]).all()


def _first_of_each(values: np.ndarray) -> np.ndarray:
    first = np.zeros(len(values), bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first
