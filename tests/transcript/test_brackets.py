"""The grammar of brackets: what each form means, and that no text, however odd, breaks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desunt.record.document import Extent, Letters
from desunt.transcript.marks import Mark, MarkKind, find_marks

K = MarkKind


def only(text: str) -> Mark:
    (mark,) = find_marks(text)
    return mark


@pytest.mark.parametrize(
    ("text", "extent"),
    [
        ("at [ILLEGIBLE] of", None),
        ("at [illegible] of", None),
        ("at [Illegible] of", None),
        ("at [unclear] of", None),
        ("at [?] of", None),
        ("at [...] of", None),
        ("at [. . .] of", None),
        ("at […] of", None),
        ("at [garble] of", None),
        ("at [garbled] of", None),
        ("at [apparent omission] of", None),
        ("at [not legible] of", None),
        ("at [[illegible]] of", None),
        ("at ⟦?⟧ of", None),
        ("at (illegible) of", None),
        ("at <illegible> of", None),
        ("at [two words illegible] of", Extent("word", 2, 2)),
        ("at [illegible: 2 words] of", Extent("word", 2, 2)),
        ("at [illegible word] of", Extent("word", 1, 1)),
        ("at [several words illegible] of", Extent("word", 2, None)),
        ("at [2-3 words illegible] of", Extent("word", 2, 3)),
        ("at [two or three words illegible] of", Extent("word", 2, 3)),
        ("at [about 5 words illegible] of", Extent("word", 3, 8)),
        ("at [at least 2 words missing] of", Extent("word", 2, None)),
        ("at [up to 4 letters illegible] of", Extent("character", 1, 4)),
        ("at [1 line illegible] of", Extent("line", 1, 1)),
        ("at [half a line illegible] of", Extent("line", 0, 1)),
        ("at [3 letters missing] of", Extent("character", 3, 3)),
        ("at [2 lines and 3 words illegible] of", None),
        ("at [????] of", Extent("character", 4, 4)),
        ("at [----] of", Extent("character", 4, 4)),
        ("at [..] of", Extent("character", 2, 2)),
        ("at [two words\nillegible] of", Extent("word", 2, 2)),
    ],
)
def test_gaps_and_their_extents(text: str, extent: Extent | None) -> None:
    mark = only(text)
    assert (mark.kind, mark.extent, mark.letters) == (K.GAP, extent, Letters())
    assert text == f"at {mark.text} of"


@pytest.mark.parametrize(
    ("text", "letters", "extent"),
    [
        ("s[????]", Letters("s"), Extent("character", 4, 4)),
        ("Mosc[..]", Letters("Mosc"), Extent("character", 2, 2)),
        ("Mosc[?]w", Letters("Mosc", "w"), None),
        ("[??]viet", Letters("", "viet"), Extent("character", 2, 2)),
        ("19[??]", Letters("19"), Extent("character", 2, 2)),
        ("anti-S[...]", Letters("anti-S"), None),
        ("Soviet[ILLEGIBLE]", Letters("Soviet"), None),
        ("Mos⟦?⟧", Letters("Mos"), None),
        ("Lu\u0308s[..]", Letters("Lüs"), Extent("character", 2, 2)),
    ],
)
def test_letters_that_survive_beside_a_gap(text: str, letters: Letters, extent: Extent | None) -> None:
    mark = only(text)
    assert (mark.kind, mark.text, mark.letters, mark.extent) == (K.GAP, text, letters, extent)


def test_letters_between_two_gaps_belong_to_the_first() -> None:
    first, second = find_marks("s[??]et[..]n")
    assert (first.text, first.letters) == ("s[??]et", Letters("s", "et"))
    assert (second.text, second.letters) == ("[..]n", Letters("", "n"))


@pytest.mark.parametrize("text", ["so... [ILLEGIBLE]", "so...[ILLEGIBLE]", 'said "[ILLEGIBLE]"', "*[illegible]*", "the - [????] -"])
def test_punctuation_does_not_survive_as_letters(text: str) -> None:
    assert only(text).letters == Letters()


@pytest.mark.parametrize(
    ("text", "extent"),
    [
        ("[REDACTED]", None),
        ("[Excised]", None),
        ("[Text withheld]", None),
        ("[name not declassified]", None),
        ("[text not declassfied]", None),
        ("[less than 1 line not declassified]", Extent("line", 0, 1)),
        ("[1 paragraph (3 lines) not declassified]", Extent("line", 3, 3)),
        ("[1 paragraph (2-1/2 lines of source text) not declassified]", Extent("line", 2, 3)),
        ("[1½ lines not declassified]", Extent("line", 1, 2)),
        ("[1 sentence (12 words) not declassified]", Extent("word", 12, 12)),
        ("[name deleted]", None),
        ("[(b)(1)]", None),
        ("[3.3(b)(1)]", None),
        ("[25X1]", None),
        ("[████]", None),
        ("⟦REDACTED⟧", None),
        ("(redacted)", None),
    ],
)
def test_withheld_text_is_never_a_gap_to_fill(text: str, extent: Extent | None) -> None:
    mark = only(f"from {text} that")
    assert (mark.kind, mark.reason, mark.extent, mark.text) == (K.WITHHELD, "withheld", extent, text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("port of Darien [Dalian], Stalin", K.GLOSS),
        ("Port Arthur [Lüshunkou District, Dalian], Stalin", K.GLOSS),
        ("the Generalissimo [i.e., Chiang] said", K.GLOSS),
        ("Strategic Arms Limitation Talks [SALT] went", K.GLOSS),
        ("it recieved [sic] the", K.SIC),
        ("that it may [be?] so", K.CONJECTURE),
        ("by Mei[kl]ejohn", K.CONJECTURE),
        ("P[hilip] said", K.CONJECTURE),
        ("[T]he port", K.CONJECTURE),
        ("agreed [to] move", K.CONJECTURE),
        ("anti[-]Soviet", K.CONJECTURE),
        ("July 3, [1945]", K.CONJECTURE),
        ("[unclear: Moscow]", K.CONJECTURE),
        ("[Washington,] July 3", K.CONJECTURE),
        ("[Page 911]", K.PAGE),
        ("[p. 3]", K.PAGE),
        ("[Page 2 of 3]", K.PAGE),
        ("[end of page 2]", K.PAGE),
        ("[p. xi]", K.PAGE),
        ("took a [pill] at", K.AMBIGUOUS),
        ("as follows: [(1)] that", K.AMBIGUOUS),
        ("[Enclosure]", K.NOTE),
        ("[Attachment 2]", K.NOTE),
        ("[signed]", K.NOTE),
        ("[Translation]", K.NOTE),
        ("[Stamp: SECRET]", K.NOTE),
        ("[handwritten: OK]", K.NOTE),
        ("railroads [1] and", K.NOTE),
        ("[Here follows discussion of unrelated matters.]", K.NOTE),
        ("[Omitted here is a list, not declassified.]", K.NOTE),
        ("it was the request [result] of", K.AMBIGUOUS),
        ("Molotov[?] said", K.AMBIGUOUS),
        ("it was [deleted] by", K.AMBIGUOUS),
        ("a box [ ] to", K.AMBIGUOUS),
        ("[illegible Moscow]", K.AMBIGUOUS),
    ],
)
def test_other_brackets(text: str, kind: MarkKind) -> None:
    mark = only(text)
    assert mark.kind is kind
    assert bool(mark.could_be) == (kind is K.AMBIGUOUS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[blank in original]", "blank"),
        ("[two words crossed out]", "struck-out"),
        ("[signature illegible]", "handwriting"),
        ("[torn]", "damaged"),
    ],
)
def test_reasons(text: str, reason: str) -> None:
    assert (only(text).kind, only(text).reason) == (K.GAP, reason)


@pytest.mark.parametrize(
    "text",
    [
        "see [ILLEGIBLE](https://example.org/a) here",
        "see ![illegible](scan.png) here",
        "see [illegible][ref] here\n\n[ref]: https://example.org",
        "a note[^1] here\n\n[^1]: the note",
        "write `[ILLEGIBLE]` here",
        "```\n[ILLEGIBLE]\n```",
        r"write \[ILLEGIBLE\] here",
        "[[Molotov|the Minister]] said",
        "nothing (?) at all (missing)",
    ],
)
def test_markdown_and_plain_parentheses_are_no_marks(text: str) -> None:
    assert find_marks(text) == ()


def test_a_gap_is_not_lost_to_look_alikes_of_markdown() -> None:
    """Two adjacent gaps look like a link by reference, back-quotes like code, an open fence like a block."""
    assert [m.kind for m in find_marks("[illegible][illegible]")] == [K.GAP, K.GAP]
    assert [m.kind for m in find_marks("the `lease and [ILLEGIBLE] `port")] == [K.GAP]
    assert [m.kind for m in find_marks("```\n[ILLEGIBLE]")] == [K.GAP]
    assert [m.kind for m in find_marks("[ILLEGIBLE](sic)")] == [K.GAP]
    assert [m.kind for m in find_marks("[ILLEGIBLE]: he said\n\n[ILLEGIBLE]")] == [K.GAP, K.GAP]


def test_of_nested_brackets_the_innermost_are_marks() -> None:
    outer, inner = find_marks("[Received May 4 [ILLEGIBLE] p.m.]")
    assert (outer.kind, outer.text, inner.kind) == (K.AMBIGUOUS, "[", K.GAP)


def test_unbalanced_brackets_are_reported_and_stop_at_the_paragraph() -> None:
    first, second, third = find_marks("[ILLEGIBLE it\n\nport] of Darien [Dalian]")
    assert (first.text, first.span, second.text) == ("[", (0, 1), "]")
    assert (first.kind, second.kind, third.kind) == (K.AMBIGUOUS, K.AMBIGUOUS, K.GLOSS)


PIECES = st.sampled_from(
    [
        *"[]()⟦⟧\\`*_?.-x1 \n\r\t\f<>{}^!:é\u0308",
        *("[ILLEGIBLE]", "[????]", "illegible", "](http://a.b)", "```\n", "[a]: ", "not declassified", "2 words ", "\n\n"),
    ]
)


@given(st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=80))
def test_marks_are_ordered_disjoint_and_true_to_the_text(text: str) -> None:
    end = 0
    for mark in find_marks(text):
        assert end <= mark.span[0] < mark.span[1] <= len(text)
        assert mark.text == text[slice(*mark.span)]
        end = mark.span[1]


@given(
    st.sampled_from(["[ILLEGIBLE]", "[????]", "[...]", "[two words illegible]"]),
    st.text("abc XYZ.,;'\"é\n", max_size=40),
    st.text("abc XYZ.,;\n", max_size=40),
)
def test_no_gap_is_overlooked_between_ordinary_words(form: str, before: str, after: str) -> None:
    (mark,) = [m for m in find_marks(f"{before} {form} {after}") if m.kind is K.GAP]
    assert mark.text == form


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "]" * 100_000,
        "[" * 50_000 + "]" * 50_000,
        "[]" * 50_000,
        "a[?]" * 25_000,
        "\\[" * 50_000,
        "`[" * 50_000,
        "](" * 50_000,
        "~~~a\n" * 25_000,
        "[a](b '" * 15_000,
        "[" + "1 " * 50_000 + "words]",
        "'" * 50_000 + "[??]" + "-" * 50_000,
        "(illegible" * 10_000,
    ],
    ids=lambda text: text[:6].strip(),
)
def test_hostile_texts_take_no_longer_than_others(text: str) -> None:
    """Anything worse than linear would run into the time limit of the test run."""
    assert all(mark.text == text[slice(*mark.span)] for mark in find_marks(text))
