"""Each step of the cleaning, on pages drawn here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from desunt.ocr.preprocessing import filters
from tests.support.rendered_pages import bilevel, tilted, typed_page

PAGE = typed_page()[0]
LETTER = filters.component_letter_height(filters.otsu_mask(PAGE))


def measured(degrees: float, border: int) -> float:
    page = tilted(PAGE, degrees)
    if border:
        page = np.pad(page, border, constant_values=15)
    page = filters.remove_border(page)
    return filters.skew_angle(filters.otsu_mask(page), LETTER)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(degrees=st.floats(-8, 8), border=st.sampled_from([0, 40, 120]))
def test_tilt_is_found_to_a_tenth_of_a_degree(degrees: float, border: int) -> None:
    assert measured(degrees, border) == pytest.approx(degrees, abs=0.1)


def test_tilt_is_found_in_speckle() -> None:
    page = bilevel(tilted(PAGE, 1.3), specks=15_000)
    assert filters.skew_angle(filters.otsu_mask(page), LETTER) == pytest.approx(1.3, abs=0.1)


@pytest.mark.parametrize("page", [np.full((400, 300), 255, np.uint8), np.zeros((1, 1), np.uint8), np.zeros((300, 400), np.uint8)])
def test_a_page_without_text_has_no_tilt(page: np.ndarray) -> None:
    assert filters.skew_angle(filters.otsu_mask(page), 20.0) == 0


def test_letter_height_is_that_of_the_type() -> None:
    for size in (17, 34, 51):
        page = typed_page(size=size)[0]
        # An x of this type is 0.55, a capital 0.73 of its size.
        assert 0.5 * size <= filters.component_letter_height(filters.otsu_mask(page)) <= 0.8 * size
    assert filters.component_letter_height(np.zeros((850, 850), np.uint8)) == pytest.approx(10)


def test_a_dark_border_becomes_paper_and_no_letter_is_lost() -> None:
    bordered = np.pad(PAGE, ((0, 0), (90, 0)), constant_values=20)
    bordered[:70] = 10
    painted = filters.remove_border(bordered)
    assert (painted[:60, :] > 200).all()
    assert (painted[:, :80] > 200).all()
    assert np.array_equal(painted[85:, 105:], bordered[85:, 105:])


def test_text_that_runs_into_the_edge_is_kept() -> None:
    cut = PAGE[:, 3 * 34 + 20 :]
    assert np.array_equal(filters.remove_border(cut), cut)


def test_light_is_evened_out() -> None:
    shade = np.linspace(0.35, 1.0, PAGE.shape[1])
    shaded = (PAGE * shade).astype(np.uint8)
    flat = filters.normalize_background(shaded)
    assert np.median(flat[:, :100]) > 230
    assert np.median(flat[:, -100:]) > 230
    ink = PAGE < 60
    assert np.median(flat[ink]) < 60


def test_bilevel_scans_are_told_from_photographs() -> None:
    chance = np.random.default_rng(3)
    photograph = np.clip(PAGE * 0.6 + chance.normal(40, 12, PAGE.shape), 0, 255).astype(np.uint8)
    assert filters.is_bilevel(bilevel(PAGE))
    assert filters.is_bilevel(bilevel(PAGE, specks=20_000))
    assert not filters.is_bilevel(photograph)


def test_specks_go_and_letters_and_full_stops_stay() -> None:
    clear = bilevel(PAGE)
    speckled = bilevel(PAGE, specks=3000)
    cleared = filters.despeckle(speckled, LETTER)
    added = (speckled < 128) & (clear > 128)
    assert (cleared[added] > 128).mean() > 0.8
    assert (cleared[clear < 128] < 128).all()


def test_dense_speckle_melts_away() -> None:
    speckled = bilevel(PAGE, specks=PAGE.size // 60)
    melted = filters.despeckle_by_blur(speckled, LETTER)
    clear = bilevel(PAGE) < 128
    assert (melted[~clear] < 128).sum() < 0.3 * (speckled[~clear] < 128).sum()
    assert (melted[clear] < 128).mean() > 0.95


def test_speckle_is_counted_by_the_letter() -> None:
    assert filters.speckle_density(bilevel(PAGE), LETTER) < 0.5
    assert filters.speckle_density(bilevel(PAGE, specks=3000), LETTER) > 1


def test_grey_is_luminance() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    assert filters.to_gray(colours).tolist() == [[76, 150, 29, 255]]
    assert filters.to_gray(PAGE) is PAGE


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.6])
@pytest.mark.parametrize("degrees", [0.0, 2.0])
def test_warping_puts_ink_where_the_matrix_says(scale: float, degrees: float) -> None:
    page = np.full((300, 400), 255, np.uint8)
    page[100:120, 250:290] = 0  # its middle in edge coordinates: x 270, y 110
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0]]) * scale
    moved = filters.warp_affine(page, matrix, (round(450 * scale), round(350 * scale)))
    weights = 255.0 - moved
    weights[: round(40 * scale)] = 0
    middle = [
        (weights * (grid + 0.5)).sum() / weights.sum() for grid in (np.arange(moved.shape[1])[None], np.arange(moved.shape[0])[:, None])
    ]
    assert middle == pytest.approx(matrix @ [270, 110, 1], abs=0.15)


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(2, 12)), elements=st.sampled_from([0, 40, 41, 101, 102, 160, 214, 215, 255]))
)
def test_bilevel_is_counted_as_it_is_defined(page):
    middle = ((page > 40) & (page < 215)).mean()
    edges = (np.abs(np.diff(page.astype(int), axis=1)) > 60).sum() / page.size
    assert filters.is_bilevel(page) == (middle <= max(0.01, edges))
