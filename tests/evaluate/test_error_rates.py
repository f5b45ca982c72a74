"""Error rates, word recall and precision, invented words, labels and intervals, against counts made by hand or by brute force."""

from __future__ import annotations

from itertools import combinations_with_replacement
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from desunt.evaluate.error_rates import (
    Rate,
    best_match,
    difference_interval,
    invented_words,
    line_cer,
    normalise,
    page_cer,
    page_wer,
    pooled,
    rate_interval,
    strip_punctuation,
    word_score,
    words_of,
)
from desunt.evaluate.ground_truth import GroundTruth, Kind, TrueLine, TrueWord, marked_line
from desunt.evaluate.labels import label_words
from desunt.record.document import Box

LETTERS = st.text(alphabet="ab ", max_size=8)


def truth(*lines: str, kind: Kind = "typed") -> GroundTruth:
    return GroundTruth(tuple(TrueLine(marked_line(line).words, kind) for line in lines), Path("page.gt.txt"))


def test_normalise_keeps_case_and_forgives_typography() -> None:
    assert normalise("“The ﬁrst\n  day’s” — 5\u20137  A\u030a") == '"The first day\'s" - 5-7 Å'
    assert normalise("a -- b") == normalise("a \u2014 b") == "a - b"
    assert normalise("SECRET") != normalise("Secret")


@pytest.mark.parametrize(
    ("word", "expected"), [("(Dalian),", "Dalian"), ("AMWHIP/1.", "AMWHIP/1"), ("...", ""), ("_|", ""), ("don\u2019t", "don't")]
)
def test_bare_words_lose_the_punctuation_at_their_ends(word: str, expected: str) -> None:
    assert strip_punctuation(word) == expected


def test_words_of_a_text() -> None:
    assert words_of("| Half the\nrevenues, \u2014 of") == ("Half", "the", "revenues", "of")


@given(LETTERS.filter(bool), LETTERS)
def test_best_place_is_the_best_of_all_places(line: str, text: str) -> None:
    place = best_match(line, text)
    spans = combinations_with_replacement(range(len(text) + 1), 2)
    assert place.edits == min(Levenshtein.distance(line, text[start:end]) for start, end in spans)
    assert Levenshtein.distance(line, text[place.start : place.end]) == place.edits


def test_a_line_that_is_not_there_costs_its_length_at_most() -> None:
    assert best_match("troops", "").edits == 6
    assert best_match("troops", "xxxxxxxxxxxxxxxxxxxxxxx").edits == 6


def test_line_cer_does_not_mind_order_nor_what_the_ground_truth_leaves_out() -> None:
    page = truth("Half the revenues of the port", "should go to Russia")
    assert line_cer(page, "LETTERHEAD 1945\nshould go to Russia\nHalf the revenues of the port\nRECEIVED").count == 0
    assert line_cer(page, "should go to Rusia\nHalf the revenues of the port") == Rate(1, 29 + 19)
    assert page_cer("Half the revenues", "xx Half the revenues").count == 3
    assert page_wer("Half the revenues", "Half of the revenue") == Rate(2, 3)


def test_unsure_letters_and_holes_are_not_scored() -> None:
    page = truth("the port of Darien⟦~⟧ is free", "agreed to ⟦?⟧ the lease")
    perfect = line_cer(page, "the port of Darien is free agreed to eliminate the lease")
    assert perfect == Rate(0, len("the port of Darien is free") - 6 + len("agreed to") + len("the lease"))
    assert line_cer(page, "the port of Doriem is free agreed to eliminate the lease").count == 0
    assert line_cer(page, "the p0rt of Darien is free agreed to eliminate the lease").count == 1


def test_word_recall_uses_each_word_of_the_output_once() -> None:
    page = truth("the port and the railroad")
    once = word_score(page, "the port and railroad")
    assert once.recall == Rate(4, 5)
    assert once.precision == Rate(4, 4)
    # Two readings poured together find no more words than the better one, and pay for it in precision.
    both = word_score(page, "the port and railroad the p0rt and the rail road")
    assert both.recall == Rate(5, 5)
    assert both.precision == Rate(5, 10)


def test_case_counts_and_punctuation_at_the_ends_does_not() -> None:
    assert word_score(truth("Stalin agreed."), "stalin agreed,").recall == Rate(1, 2)


def test_unsure_words_and_stamps_are_neither_right_nor_wrong() -> None:
    page = GroundTruth((marked_line("Gambino⟦~⟧ agreed"), marked_line("⟦STAMP: RECEIVED JUL 3⟧")), Path("page.gt.txt"))
    score = word_score(page, "Gambino agreed RECEIVED JULY")
    assert score.recall == Rate(1, 1)
    assert score.precision == Rate(1, 2)


def test_words_in_no_line_are_invented() -> None:
    typed = TrueLine((TrueWord("troops"),), "typed", Box(0, 0, 100, 20))
    hand = TrueLine((TrueWord("Yours"), TrueWord("truly")), "handwriting", Box(0, 40, 100, 60))
    page = GroundTruth((typed, hand), Path("page.xml"))
    inside, outside, in_hand = Box(10, 5, 50, 15), Box(10, 100, 50, 110), Box(10, 45, 50, 55)
    assert invented_words(page, [("tr00ps", inside)]) == 0
    assert invented_words(page, [("noise", outside), ("|", outside)]) == 1
    assert invented_words(page, [("Yours", in_hand), ("Jowrs", in_hand)]) == 1
    assert invented_words(GroundTruth((), Path("blank.gt.txt")), [("noise", outside)]) == 1
    assert invented_words(truth("troops"), [("noise", outside)]) is None


def test_labels_say_which_word_is_misread() -> None:
    page = truth("Half the revenues of the port", "should go to Russia⟦~⟧")
    words = ["LETTERHEAD", "Half", "tne", "revenues,", "of", "the", "port", "should", "9o", "to", "Rossia"]
    assert label_words(page, words) == (
        "unscored",
        "right",
        "wrong",
        "right",
        "right",
        "right",
        "right",
        "right",
        "wrong",
        "right",
        "unscored",
    )


def test_labels_of_split_joined_and_repeated_words() -> None:
    assert label_words(truth("transmission and reception facilities"), ["transmission", "and", "reception", "faci", "lities"])[3:] == (
        "wrong",
        "wrong",
    )
    assert label_words(truth("reading it to them"), ["reading", "itto", "them"]) == ("right", "wrong", "right")
    # Two equal lines stand in two places.
    assert label_words(truth("S E C R E T", "S E C R E T"), [*"SECRET", *"SECRET"]) == ("right",) * 12


def test_a_line_that_was_not_read_labels_no_other_words() -> None:
    labels = label_words(truth("the port should be free"), ["Generalissimo", "Stalin", "proposed"])
    assert set(labels) == {"unscored"}


@given(st.lists(st.sampled_from(["the", "port", "and", "railroad", "agreed", "lease", "troops"]), min_size=1, max_size=12))
def test_a_perfect_reading_has_no_wrong_word(words: list[str]) -> None:
    assert set(label_words(truth(" ".join(words)), words)) == {"right"}
    assert word_score(truth(" ".join(words)), " ".join(words)).recall == Rate(len(words), len(words))


def test_rates_are_pooled_and_undefined_without_a_total() -> None:
    assert pooled([Rate(1, 10), Rate(3, 10)]).value == pytest.approx(0.2)
    assert pooled([]).value is None
    assert Rate(0, 0).value is None


def test_intervals_hold_the_rate_and_pairing_makes_them_narrow() -> None:
    ours, theirs = [Rate(n, 100) for n in range(5, 45)], [Rate(n + 2, 100) for n in range(5, 45)]
    interval, paired = rate_interval(ours), difference_interval(ours, theirs)
    assert interval is not None
    assert paired is not None
    assert interval.low < pooled(ours).count / 4000 < interval.high
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 0.1154 / 40**0.5, rel=0.15)
    assert (paired.low, paired.high) == (pytest.approx(-0.02), pytest.approx(-0.02))
    assert rate_interval([Rate(1, 2)]) is None
    assert rate_interval([Rate(0, 0), Rate(0, 0)]) is None
