"""Readings of several words: each mended, cut, joined or left out, the likeliest whole first."""

from __future__ import annotations

import pytest

from desunt.lm.lexicon import Lexicon, load_lexicon
from desunt.lm.model_files import model_file
from desunt.restore.error_model import ErrorModel, read_error_model
from desunt.restore.multiword import MAX_PARTS, MAX_SEGMENTATIONS, segmentations


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


@pytest.fixture(scope="module")
def error_model() -> ErrorModel:
    return read_error_model(model_file("confusion.json"), "ink")


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
def test_the_words_that_were_meant_are_found_together(ink: str, meant: str, within: int, error_model: ErrorModel, lexicon: Lexicon) -> None:
    assert meant in list(segmentations(ink, error_model, lexicon, all_caps=False))[:within]


def test_capitals_stay_capitals(error_model: ErrorModel, lexicon: Lexicon) -> None:
    assert next(segmentations("SCHEDOLED EVERING", error_model, lexicon, all_caps=True)) == "SCHEDULED EVENING"


@pytest.mark.parametrize("ink", ["government", "qxzvbk", "1945", "|", ""])
def test_one_part_that_is_not_two_words_is_left_to_others(ink: str, error_model: ErrorModel, lexicon: Lexicon) -> None:
    assert list(segmentations(ink, error_model, lexicon, all_caps=False)) == []


def test_a_whole_line_is_not_guessed_at(error_model: ErrorModel, lexicon: Lexicon) -> None:
    assert list(segmentations("tne " * (MAX_PARTS + 1), error_model, lexicon, all_caps=False)) == []


def test_no_reading_comes_twice_and_they_are_few(error_model: ErrorModel, lexicon: Lexicon) -> None:
    found = list(segmentations("tne mede ond hls", error_model, lexicon, all_caps=False))
    assert len(found) == len(set(found)) <= MAX_SEGMENTATIONS
    assert all(text.strip() for text in found)
