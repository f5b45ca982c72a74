"""Facts refuse impossible states, and the diplomatic text is exactly what the tokens say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desunt.record.conjecture import (
    Candidate,
    Conjecture,
    Conjectured,
    Decided,
    Decision,
    Illegible,
    ModelRef,
    Read,
    Refusal,
    Refused,
    segments,
)
from desunt.record.document import Box, Document, Extent, Gap, Letters, Line, Page, Region, Word, stable_id

MODEL = ModelRef("m", "1", "0" * 64)


def word(text: str) -> Word:
    return Word("w", text, None, "tesseract")


def page(*lines: Line) -> Page:
    return Page(1, None, (Region("r", "body", None, lines),))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Box(5, 5, 5, 9),
        lambda: word(" "),
        lambda: word("e\u0301"),
        lambda: Word("w", "a", None, "e", legibility=1.2),
        lambda: Extent("word", 3, 2),
        lambda: Extent("character", -1, None),
        lambda: Gap("g", None, None, "withheld", engine_reading="SECRET"),
        lambda: Page(0, None, ()),
        lambda: Candidate(" ", 0.5),
        lambda: Conjecture("g", (Candidate("a", 0.6), Candidate("b", 0.3)), 0.4, MODEL, ("", "")),
        lambda: Conjecture("g", (Candidate("a", 0.1), Candidate("b", 0.3)), 0.6, MODEL, ("", "")),
        lambda: Refusal("g", " "),
    ],
)
def test_impossible_states_are_refused(make) -> None:
    with pytest.raises(ValueError, match=r"."):
        make()


@given(st.tuples(*[st.integers(0, 40)] * 4), st.tuples(*[st.integers(0, 40)] * 4))
def test_overlap_is_symmetric_and_a_share(a, b) -> None:
    first = Box(a[0], a[1], a[0] + a[2] + 1, a[1] + a[3] + 1)
    second = Box(b[0], b[1], b[0] + b[2] + 1, b[1] + b[3] + 1)
    assert first.overlap(second) == second.overlap(first)
    assert 0 <= first.overlap(second) <= 1
    assert first.overlap(first) == 1
    assert first.union(second).area >= max(first.area, second.area)


def test_diplomatic_text_prints_gaps_as_marks() -> None:
    gaps = Gap("a", None, None, "illegible"), Gap("b", None, None, "withheld"), Gap("c", None, None, "damaged", letters=Letters("Mosc"))
    document = Document("d", "d.png", (), (page(Line("l", None, (word("the"), *gaps))), page(Line("m", None, (word("end"),)))))
    assert document.text == "the [ILLEGIBLE] [WITHHELD] Mosc[ILLEGIBLE]\n\fend\n"


def test_segments_join_facts_and_opinions_by_gap() -> None:
    gaps = [Gap(name, None, None, "illegible") for name in "abcd"]
    opinions = {
        "a": Conjecture("a", (Candidate("x", 0.5),), 0.5, MODEL, ("", "")),
        "b": Refusal("b", "too long"),
        "d": Conjecture("d", (Candidate("y", 0.5),), 0.5, MODEL, ("", "")),
    }
    decision = Decision("d", "accepted", "guess", "y", "ann", "2026-01-01T00:00:00Z")
    joined = list(segments(Line("l", None, (word("w"), *gaps)), opinions, {"d": decision}))
    assert [type(s) for s in joined] == [Read, Conjectured, Refused, Illegible, Decided]


def test_ids_depend_on_the_place_alone() -> None:
    assert stable_id("a", 1) == stable_id("a", 1)
    assert stable_id("a", 11) != stable_id("a1", 1)
    assert len(stable_id("a")) == 12
