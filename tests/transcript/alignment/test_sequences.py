"""Two sequences of words, matched one by one, merged and divided."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from desunt.record.document import Box
from desunt.transcript.alignment.gap_placement import split_box
from desunt.transcript.alignment.sequences import match_words, matching_key


@given(st.lists(st.sampled_from("abcd"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12), st.frozensets(st.integers(0, 12)))
def test_matches_rise_on_both_sides_and_never_overlap(first: list[str], second: list[str], gaps: frozenset[int]) -> None:
    row, column = 0, 0
    for match in match_words(first, second, gaps):
        assert row <= match.first_start < match.first_end <= len(first)
        assert column <= match.second_start < match.second_end <= len(second)
        row, column = match.first_end, match.second_end


def test_equal_sequences_match_word_by_word() -> None:
    words = [matching_key(word) for word in ("It", "was", "the", "best", "of", "times", "it", "was", "the", "worst")] * 300
    assert [(m.first_start, m.second_start) for m in match_words(words, words)] == [(n, n) for n in range(len(words))]


def test_a_long_noisy_document_is_matched_nearly_without_fault() -> None:
    rng = np.random.default_rng(7)
    words = ["".join(rng.choice(list("etaoinshrdlu"), 1 + int(n))) for n in rng.poisson(4, 12_000)]
    noisy: list[tuple[int, str]] = []
    for n, word in enumerate(words):
        fate = rng.random()
        if fate > 0.05:
            noisy.append((n, "x" + word[1:] if fate > 0.85 and len(word) > 3 else word))
        if fate > 0.97:
            noisy.append((-1, "stamp"))
    matches = {m.first_start: m.second_start for m in match_words(words, [word for _, word in noisy])}
    right = [matches.get(n) == place for place, (n, _) in enumerate(noisy) if n >= 0]
    assert sum(right) / len(right) > 0.99


def test_shares_lie_side_by_side_in_the_box() -> None:
    parts = split_box(Box(10, 0, 110, 9), [2, 3, 4])
    assert [part.left for part in parts] == sorted(part.left for part in parts)
    assert parts[0].left == 10
    assert parts[-1].right == 110
    assert all(a.right < b.left for a, b in pairwise(parts))
