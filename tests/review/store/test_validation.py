"""Names and texts as the store takes them."""

from __future__ import annotations

import pytest

from desunt.review.store.types import MAX_NAME_LETTERS, Invalid, clean_name


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
