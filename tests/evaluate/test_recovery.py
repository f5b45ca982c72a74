"""How many misread words come back from the candidates: tokens of a page, and the figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from desunt.evaluate.error_rates import Rate
from desunt.evaluate.ground_truth import GroundTruth, marked_line
from desunt.evaluate.labels import align_words
from desunt.evaluate.recovery.aligned_page import AlignedPage, AlignedToken, align_tokens, with_doubtful_gaps
from desunt.evaluate.recovery.measure import effort_curve, hits_by_rank, measure
from desunt.evaluate.recovery.report import draw, format_report, report_json
from desunt.evaluate.recovery.run import Recovery
from desunt.record.document import Box, Gap, Line, Page, Region, Word


def truth(*lines: str) -> GroundTruth:
    return GroundTruth(tuple(map(marked_line, lines)), Path("a.gt.txt"))


def word(text: str, legibility: float = 0.99) -> Word:
    return Word(f"w-{text}", text, None, "tesseract", 0.9, legibility)


def gap(name: str, reading: str | None, reason: str = "low-confidence") -> Gap:
    return Gap(name, None, None, reason, reading)  # type: ignore[arg-type]


def page(*lines: Sequence[Word | Gap]) -> Page:
    return Page(1, None, (Region("r", "body", None, tuple(Line(f"l{n}", None, tuple(line)) for n, line in enumerate(lines))),))


def aligned(there: GroundTruth, read: Page, candidates: dict[str, tuple[str, ...]] | None = None) -> tuple[AlignedToken, ...]:
    return align_tokens([read], [read], there, {"desunt": candidates or {}})


def test_a_true_word_belongs_to_the_word_that_has_most_of_its_letters() -> None:
    there = truth("the interest ofthe of war Minister went")
    standings = align_words(there, ["the", "inter", "est", "of", "the", "ofwar", "Minister", "went"])
    assert [(one.label, one.truth) for one in standings] == [
        ("right", ("the",)), ("wrong", ("interest",)), ("wrong", ()), ("wrong", ()), ("wrong", ("ofthe",)), ("wrong", ("of", "war")),
        ("right", ("Minister",)), ("right", ("went",)),
    ]  # fmt: skip


def test_doubtful_words_become_gaps_that_keep_their_reading() -> None:
    line = (word("the", 0.9), word("Arnbassador,", 0.5), word("—", 0.1), word("wax.", 0.6))
    made = with_doubtful_gaps(page(line), 0.4)
    tokens = made.lines[0].tokens
    assert [type(token) for token in tokens] == [Word, Gap, Word, Word]
    assert tokens[1] == Gap("w-Arnbassador,", None, None, "low-confidence", "Arnbassador,", continues=False)
    last = with_doubtful_gaps(page(line), 0.39).lines[0].tokens[3]
    assert isinstance(last, Gap)
    assert last.continues is None


def test_a_gap_s_length_is_that_of_its_box() -> None:
    boxed = [Word(f"w{n}", "letters", Box(100 * n, 0, 100 * n + 68, 20), "tesseract", 0.9, 0.95) for n in range(5)]
    doubtful = Word("d", "thirteen", Box(600, 0, 730, 20), "tesseract", 0.9, 0.2)
    made = with_doubtful_gaps(page((*boxed, doubtful)), 0.5).gaps[0]
    assert made.extent is not None
    assert made.extent.unit == "character"
    assert made.extent.least <= 13 <= (made.extent.most or 0)


def test_tokens_know_what_stands_at_them() -> None:
    there = truth("the Ambassador informed the Minister of war")
    read = page((word("the"), gap("g1", "Arnbassador informcd"), word("thc", 0.8), word("Minister"), gap("g2", "of"), word("war")))
    found = aligned(there, read, {"g1": ("Ambassador intormed", "Ambassador, informed", "x"), "g2": ("of",)})
    assert [(one.words, one.labels, one.truth, one.is_gap) for one in found] == [
        (("the",), ("right",), ("the",), False),
        (("Arnbassador", "informcd"), ("wrong", "wrong"), ("Ambassador", "informed"), True),
        (("thc",), ("wrong",), ("the",), False),
        (("Minister",), ("right",), ("Minister",), False),
        (("of",), ("right",), ("of",), True),
        (("war",), ("right",), ("war",), False),
    ]
    assert [one.rank("desunt") for one in found] == [None, 2, None, None, 1, None]
    assert [round(one.doubt, 2) for one in found] == [0.01, 1.0, 0.2, 0.01, 1.0, 0.01]


@pytest.mark.parametrize(
    ("offered", "rank"),
    [(("ambassador", "Ambassadors", "“Ambassador.”"), 3), (("Ambassador",), 1), (("the Ambassador",), None), ((), None)],
)
def test_a_candidate_is_right_word_for_word_with_its_letter_case(offered: tuple[str, ...], rank: int | None) -> None:
    read = page((word("the"), gap("g", "Arnbassador"), word("informed")))
    assert aligned(truth("the Ambassador informed"), read, {"g": offered})[1].rank("desunt") == rank


def under(lines: str, *tokens: Word | Gap) -> tuple[str, ...] | None:
    found = aligned(truth(*lines.split("/")), page(tokens))
    return next(one.truth for one in found if one.is_gap and not one.words)


def test_what_stands_under_a_blot_is_what_no_neighbour_read() -> None:
    blot = gap("b", None, "illegible")
    assert under("the old Minister of war", word("the"), word("old"), blot, word("of"), word("war")) == ("Minister",)
    assert under("the old Minister of war", word("the"), word("old"), word("Minister"), blot) == ("of", "war")
    assert under("the old Minister of war", blot, word("Minister"), word("of"), word("war")) == ("the", "old")
    assert under("the old Minister of war", word("the"), word("old"), blot, word("Minister"), word("of"), word("war")) == ()


def test_nobody_can_tell_what_stands_under_a_blot_in_no_line_or_over_doubtful_words() -> None:
    blot = gap("b", None, "illegible")
    assert under("the old Minister of war", blot) is None
    assert under("the old Minister⟦~⟧ of war", word("the"), word("old"), blot, word("of"), word("war")) is None
    assert under("the old Minister of war", word("the"), word("old"), blot, gap("c", None, "illegible"), word("war")) is None
    assert under("the old man went/of war and peace", *map(word, ("the", "old", "man")), blot, *map(word, ("war", "and", "peace"))) is None
    assert under("⟦HAND: the old Minister of war⟧", word("the"), word("old"), blot, word("of"), word("war")) is None


def test_withheld_and_handwritten_gaps_are_no_tokens() -> None:
    read = page((word("the"), gap("a", None, "withheld"), gap("b", "scrawl", "handwriting"), word("war")))
    assert [one.words for one in aligned(truth("the war"), read)] == [("the",), ("war",)]


def token(read: str, label: str, there: str, *offered: str, doubt: float | None = None) -> AlignedToken:
    """A word that was read, a gap if it has a doubt; what `desunt` offers before a bar, what `other` offers after it."""
    labels = tuple(label.split()) if read else ()
    texts = tuple(offered)
    cut = texts.index("|") if "|" in texts else len(texts)
    candidates = {"desunt": texts[:cut], "other": texts[cut + 1 :]}
    return AlignedToken(tuple(read.split()), labels, tuple(there.split()), doubt or 0.05, doubt is not None, candidates if doubt else None)  # type: ignore[arg-type]


FIRST = AlignedPage(
    "a.png", "one two three four five six seven eight", "one tvo thrce four five six sevcn eight",
    ("right", "wrong", "wrong", "right", "right", "right", "wrong", "unscored"),
    (
        token("one", "right", "one"),
        token("tvo", "wrong", "two", "two", "to", "|", "to", "two", doubt=1.0),
        token("thrce", "wrong", "three", "trice", "b", "c", "d", "e", "three", doubt=0.6),
        token("four", "right", "four", "fours", "four", "|", "four", doubt=0.4),
        token("five", "right", "five"),
        token("sixx", "wrong", "six"),
        token("", "", "seven", "seven", doubt=1.0),
        token("eight", "right", "eight"),
    ),
)  # fmt: skip
SECOND = AlignedPage(
    "b.png", "red blue", "red blue", ("right", "right"),
    (token("red", "right", "red"), token("blve x", "wrong wrong", "blue", "blue", doubt=0.9)),
)  # fmt: skip
BOTH = Recovery("here", 0.05, 0.3, ("desunt", "other"), (FIRST, SECOND))


def test_the_figures_are_what_they_are_called() -> None:
    report = measure(BOTH)
    ours, theirs = report.hits
    assert ours.misread == {1: (Rate(2, 4), Rate(2, 2)), 5: (Rate(2, 4), Rate(2, 2)), 20: (Rate(3, 4), Rate(2, 2))}
    assert ours.flagged[20] == (Rate(3, 3), Rate(2, 2))
    assert ours.kept == {1: (Rate(0, 1), Rate(0, 0)), 5: (Rate(1, 1), Rate(0, 0)), 20: (Rate(1, 1), Rate(0, 0))}
    assert theirs.misread == {1: (Rate(0, 4), Rate(0, 2)), 5: (Rate(1, 4), Rate(0, 2)), 20: (Rate(1, 4), Rate(0, 2))}
    assert theirs.kept[1] == (Rate(1, 1), Rate(0, 0))
    assert report.found == (Rate(3, 4), Rate(2, 2))
    assert report.false_alarms == (Rate(1, 4), Rate(0, 1))
    assert report.decisions == (Rate(4, 7), Rate(1, 3))
    counts = report.counts
    assert (counts.pages, counts.words, counts.misread, counts.gaps, counts.unscored_gaps) == (2, 11, 6, 5, 0)
    assert (counts.blotted, counts.nothing_there, counts.in_long_gaps) == (1, 0, 2)


def test_errors_before_and_after_an_editor() -> None:
    errors = {name: (one.text, one.words) for name, one in measure(BOTH).errors.items()}
    assert errors == {
        "plain Tesseract": ((Rate(3, 8), Rate(0, 2)), (Rate(3, 7), Rate(0, 2))),
        "desunt": ((Rate(4, 8), Rate(2, 2)), (Rate(4, 8), Rate(2, 3))),
        "desunt + editor, desunt": ((Rate(2, 8), Rate(0, 2)), (Rate(2, 8), Rate(0, 3))),
        "desunt + editor, other": ((Rate(3, 8), Rate(2, 2)), (Rate(3, 8), Rate(2, 3))),
        # `fours` for `four` and `trice` for `thrce`: what was right is spoilt, what was wrong stays so.
        "desunt + first candidate, desunt": ((Rate(3, 8), Rate(0, 2)), (Rate(3, 8), Rate(0, 3))),
        "desunt + first candidate, other": ((Rate(4, 8), Rate(2, 2)), (Rate(4, 8), Rate(2, 3))),
    }


def test_more_decisions_leave_fewer_errors() -> None:
    steps = [(one.doubt, round(one.decisions, 1), one.error) for one in effort_curve(BOTH.pages, "desunt")]
    assert steps == [(2.0, 0.0, 0.6), (1.0, 20.0, 0.4), (0.9, 30.0, 0.2), (0.6, 40.0, 0.2), (0.4, 50.0, 0.2)]
    assert hits_by_rank(BOTH.pages, "desunt")[4:6] == pytest.approx([4 / 6, 5 / 6])


def test_what_was_read_where_nothing_stands_is_a_miss() -> None:
    stray = AlignedPage(
        "a.png", "one", "one", ("right",), (token("one", "right", "one"), token("oise", "wrong", "", "", "noise", doubt=0.9))
    )
    report = measure(Recovery("here", 0.05, 0.3, ("desunt",), (stray,)))
    assert report.hits[0].misread[20] == (Rate(0, 1),)
    assert report.counts.nothing_there == 1


def test_the_report_says_what_was_measured(tmp_path: Path) -> None:
    report = measure(BOTH)
    said = format_report(report)
    assert "here: 2 pages, 11 words that can be scored, 6 of them misread" in said
    assert "less legible than 0.700: 83.3% (75-100) of the misread words and 20.0% (0-25) of the right ones; 5 gaps, 50.0 per 100" in said
    assert "| all misread words | 6 | desunt | 66.7% (50-100) | 66.7% (50-100) | 83.3% (75-100) |" in said
    assert "| desunt + editor, desunt | 20.0% (0-25) | 18.2% (0-25) | 50.0 |" in said
    row = json.loads(json.dumps(report_json(report), allow_nan=False))
    assert row["hits"][0]["misread"]["5"][0] == pytest.approx(4 / 6)
    assert row["word_error_rate"]["desunt"][0] == pytest.approx(0.6)
    first = [path.read_bytes() for path in draw(BOTH, report, tmp_path / "one")]
    assert [path.read_bytes() for path in draw(BOTH, report, tmp_path / "two")] == first
    assert len(first) == 2
