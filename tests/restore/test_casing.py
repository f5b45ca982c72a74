from __future__ import annotations

import pytest

from desunt.lm.length import count_graphemes, describe_extent, expected_words, length_log_prob
from desunt.lm.lexicon import comparison_key
from desunt.record.document import Extent
from desunt.restore.casing import Style, style_of, truecase

FORMS = {"stalin": "Stalin", "us": "US"}


def form(word: str) -> str:
    return FORMS.get(word, word)


@pytest.mark.parametrize(
    ("before", "after", "style"),
    [
        ("PARAPHRASE OF NAVY CABLE FROM ", " JULY 3 1945", Style(all_caps=True, starts_sentence=False)),
        ("He agreed to leave. ", " said that he would go", Style(all_caps=False, starts_sentence=True)),
        ("He spoke to Mr. ", " about the plan of the day", Style(all_caps=False, starts_sentence=False)),
        ("the railroad. J. ", " was told of it at once", Style(all_caps=False, starts_sentence=False)),
        ("and then he said “", " was told of it at once", Style(all_caps=False, starts_sentence=False)),
        ("so he went.\n\n", " told him of it at once", Style(all_caps=False, starts_sentence=True)),
        ("", "", Style(all_caps=False, starts_sentence=False)),
    ],
)
def test_the_place_gives_the_style(before: str, after: str, style: Style) -> None:
    assert style_of(before, after) == style


def test_inside_a_word_no_sentence_begins() -> None:
    assert not style_of("He left. ", "emen said so to him", inside_word=True).starts_sentence


@pytest.mark.parametrize(
    ("text", "all_caps", "starts_sentence", "wanted"),
    [
        ("stalin", False, False, "Stalin"),
        ("stalin", True, False, "STALIN"),
        ("the port", False, True, "The port"),
        ("us", False, False, "us"),
        ("STALIN", False, False, "STALIN"),
        ("told stalin", False, False, "told Stalin"),
    ],
)
def test_case_is_restored(text: str, all_caps: bool, starts_sentence: bool, wanted: str) -> None:
    assert truecase(text, Style(all_caps, starts_sentence), form) == wanted


def test_what_counts_as_the_same() -> None:
    assert comparison_key("The ") == comparison_key("“the,”") == "the"
    assert comparison_key("China’s") == "china's"
    assert comparison_key("--") == "--"


@pytest.mark.parametrize(
    ("text", "least", "most", "wanted"), [("port", 3, 5, 0.0), ("ports", 3, 4, -4.0), ("po", 3, 4, -4.0), ("railroad", 3, 4, -16.0)]
)
def test_length_counts_letters_outside(text: str, least: int, most: int, wanted: float) -> None:
    assert length_log_prob(text, Extent("character", least, most)) == pytest.approx(wanted)


def test_length_of_the_other_units() -> None:
    assert length_log_prob("the port", Extent("word", 2, 2)) == 0.0
    assert length_log_prob("the port", Extent("word", 1, 1)) < 0.0
    assert length_log_prob("a" * 500, Extent("line", 1, 1)) == 0.0
    assert length_log_prob("a" * 500, Extent("character", 3, None)) == 0.0
    assert length_log_prob("anything", None) == 0.0
    assert count_graphemes("re\u0301gime") == 6


def test_how_many_words_a_gap_may_hold() -> None:
    assert expected_words(None, open_ended=False) == 1
    assert expected_words(None, open_ended=True) > 1
    assert expected_words(Extent("character", 28, 30), open_ended=False) == 5
    assert expected_words(Extent("line", 2, 2), open_ended=False) == 20


def test_an_extent_in_words() -> None:
    assert describe_extent(Extent("character", 9, 10)) == "9-10 letters"
    assert describe_extent(Extent("word", 1, 1)) == "1 word"
    assert describe_extent(Extent("character", 3, None)) == "at least 3 letters"


@pytest.mark.parametrize(
    ("word", "written"), [("SOong", "Soong"), ("soong", "Soong"), ("SOONG", "SOONG"), ("McNamara", "McNamara"), ("Soong", "Soong")]
)
def test_no_writer_wrote_an_engines_capitals(word: str, written: str) -> None:
    forms = {"soong": "Soong", "mcnamara": "McNamara"}
    assert truecase(word, Style(all_caps=False, starts_sentence=False), lambda w: forms.get(w.casefold(), w)) == written
