"""Names and texts as the store takes them."""

from __future__ import annotations

import pytest

from desunt.review.store.types import MAX_NAME_LETTERS, Invalid, clean_name
from desunt.review.store.validation import visible_note, visible_text


@pytest.mark.parametrize(
    ("name", "kept"),
    [("Anna", "Anna"), ("  Anna   Berg\n", "Anna Berg"), ("Zoe\u0308", "Zoë"), ("x" * MAX_NAME_LETTERS,) * 2],
)
def test_a_name_is_one_line_that_can_be_seen(name, kept):
    assert clean_name(name) == kept
    assert clean_name(kept) == kept


@pytest.mark.parametrize("name", ["", "   ", "\u200b\u202e", "\x00", "a\nb", "A\u200bnna", "\ud800", "x" * (MAX_NAME_LETTERS + 1)])
def test_what_is_no_name_is_refused_and_not_cut(name):
    with pytest.raises(Invalid):
        clean_name(name)


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("sug\u00adge\u200bsted", "suggested"), ("a\tb\u00a0c\u2009d", "a b c d"), ("\u202eabc\u2069\ufeff ", "abc"), ("e\u0301", "é"),
        ("\u200b\u00ad", ""),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"), ("a\u200db", "ab"),
    ],
)  # fmt: skip
def test_a_hand_s_text_is_kept_as_it_can_be_seen(typed, seen):
    assert visible_text(typed) == seen
    assert visible_text(seen) == seen


def test_a_note_keeps_its_lines() -> None:
    assert visible_note("one\u200b line\r\n\tand another\u00ad\n") == "one line\nand another"
