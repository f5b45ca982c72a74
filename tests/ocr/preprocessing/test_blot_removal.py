"""Words beside a blot are read once the blot is painted over; pages without one cost nothing."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from desunt.lm.lexicon import load_lexicon
from desunt.ocr.engines import load_engine
from desunt.ocr.preprocessing import read_best
from desunt.ocr.preprocessing.blot_removal import read_without_blots, remove_blots
from tests.support.rendered_pages import letter_page

LETTER = 38.0


def blotted() -> np.ndarray:
    return np.asarray(letter_page(blot=(680, 262, 1010, 358)))


def test_a_page_of_type_has_no_blots() -> None:
    assert remove_blots(np.asarray(letter_page()), LETTER) is None


def test_a_blot_is_painted_and_the_type_stays() -> None:
    page = blotted()
    painted = remove_blots(page, LETTER)
    assert painted is not None
    assert painted[310, 850] > 200
    assert np.array_equal(painted[520:, :], page[520:, :])
    assert (painted[:, :600] == page[:, :600]).all()


def test_a_photograph_is_no_blot() -> None:
    page = np.asarray(letter_page()).copy()
    page[150:650, 100:1400] = 70
    assert remove_blots(page, LETTER) is None


@pytest.mark.parametrize("with_blot", [True, False])
def test_only_a_blotted_page_is_read_again(with_blot: bool) -> None:
    engine, lexicon = load_engine("tesseract", "eng"), load_lexicon()
    pixels = blotted() if with_blot else np.asarray(letter_page())
    best = read_best(pixels, 300, engine, 60.0, lexicon)
    again = read_without_blots(best, pixels, engine, 60.0, lexicon)
    assert len(again.scores) == len(best.scores) + with_blot
    words = [word.text for word in again.result.words]
    assert {"Ambassador", "informed", "agreement", "March", "control"} <= set(words)
    assert Image.fromarray(again.variant.pixels).size == Image.fromarray(best.variant.pixels).size
