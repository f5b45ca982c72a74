"""Readings of several words: each mended, cut, joined or left out, the likeliest whole first."""

from __future__ import annotations

import pytest

from desunt.lm.lexicon import Lexicon, load_lexicon
from desunt.lm.model_files import model_file
from desunt.restore.error_model import Confusion, read_confusion
from desunt.restore.multiword import MOST_PARTS, SENT, together


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


@pytest.fixture(scope="module")
def confusion() -> Confusion:
    return read_confusion(model_file("confusion.json"), "ink")


@pytest.mark.parametrize(
    ("ink", "meant", "within"),
    [
        ("presente ite gwn", "presents its own", 1),
        ("Los fngeles aad", "Los Angeles and", 3),
        ("tne Ambassad or infarmed", "the Ambassador informed", 1),
        ("with in", "within", 2),
        ("tobe mede", "to be made", 1),
        ("hasbeen", "has been", 1),
        ("by CASTRO . ond hls brothor", "by CASTRO and his brother", 1),
        ("of | the treatv", "of the treaty", 3),
    ],
)
def test_the_words_that_were_meant_are_found_together(ink: str, meant: str, within: int, confusion: Confusion, lexicon: Lexicon) -> None:
    assert meant in list(together(ink, confusion, lexicon, capitals=False))[:within]


def test_capitals_stay_capitals(confusion: Confusion, lexicon: Lexicon) -> None:
    assert next(together("SCHEDOLED EVERING", confusion, lexicon, capitals=True)) == "SCHEDULED EVENING"


@pytest.mark.parametrize("ink", ["government", "qxzvbk", "1945", "|", ""])
def test_one_part_that_is_not_two_words_is_left_to_others(ink: str, confusion: Confusion, lexicon: Lexicon) -> None:
    assert list(together(ink, confusion, lexicon, capitals=False)) == []


def test_a_whole_line_is_not_guessed_at(confusion: Confusion, lexicon: Lexicon) -> None:
    assert list(together("tne " * (MOST_PARTS + 1), confusion, lexicon, capitals=False)) == []


def test_no_reading_comes_twice_and_they_are_few(confusion: Confusion, lexicon: Lexicon) -> None:
    found = list(together("tne mede ond hls", confusion, lexicon, capitals=False))
    assert len(found) == len(set(found)) <= SENT
    assert all(text.strip() for text in found)
