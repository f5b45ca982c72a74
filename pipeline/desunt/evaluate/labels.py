"""Which words of an output are misread: every word is right, wrong or not scored, by its place in the ground truth.

Counting words as multisets (`metrics.word_score`) says how many are right, not which; here every line of the ground truth finds its place
in the output and claims the words that stand there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rapidfuzz.distance import Levenshtein

from desunt.evaluate.error_rates import TextMatch, best_match, normalise, strip_punctuation, words_of
from desunt.evaluate.ground_truth import GroundTruth, TrueWord
from desunt.record.document import Span

Label: TypeAlias = Literal["right", "wrong", "unscored"]
LineSegment: TypeAlias = tuple[TrueWord, ...]

# A line that needs more edits than this share of its letters is not in the output: what looks like it is another text.
MAX_EDIT_SHARE = 0.5
CLAIMED = "\x00"


@dataclass(frozen=True, slots=True)
class WordAlignment:
    """What a word of an output stands for.

    `segment` is the line of the ground truth, or the part of it between holes, that it stands in, empty if it stands in none. At
    `true_indices` stand the words in it that belong to this one: each to the word that has most of its letters, the first of equals.
    """

    label: Label = "unscored"
    segment: LineSegment = ()
    true_indices: tuple[int, ...] = ()

    @property
    def truth(self) -> tuple[str, ...]:
        """Return the words that stand there, without punctuation."""
        return words_of(" ".join(self.segment[index].text for index in self.true_indices))


def label_words(truth: GroundTruth, words: Sequence[str]) -> tuple[Label, ...]:
    """Label every word of an output, given in reading order.

    Unscored are words that stand in no line of the ground truth (letterheads, noise: `metrics.invented_words` counts those), in
    handwriting, stamps and forms, and where the ground truth is unsure. A word is right if it equals the one word it stands for,
    punctuation at its ends aside.
    """
    return tuple(alignment.label for alignment in align_words(truth, words))


def align_words(truth: GroundTruth, words: Sequence[str]) -> tuple[WordAlignment, ...]:
    """Find for every word of an output what it stands for, labelled as `label_words` says."""
    spans, text = _join_words(words)
    alignments = [WordAlignment()] * len(words)
    for segment, is_scored, match in _match_segments(truth, text):
        shared = {index: letters for index, letters in _shared_letters(segment, match, text, spans) if strip_punctuation(words[index])}
        true_indices = _assign_true_words(shared)
        for index, letters in shared.items():
            label = _label_word(words[index], segment, letters) if is_scored else "unscored"
            alignments[index] = WordAlignment(label, segment, true_indices.get(index, ()))
    return tuple(alignments)


def _join_words(words: Sequence[str]) -> tuple[list[Span], str]:
    spans, text = list[Span](), ""
    for word in words:
        normalised = normalise(word)
        spans.append((len(text), len(text) + len(normalised)))
        text += normalised + " "
    return spans, text


def _segment_text(segment: LineSegment) -> str:
    return " ".join(normalise(word.text) for word in segment)


def _match_segments(truth: GroundTruth, text: str) -> Iterator[tuple[LineSegment, bool, TextMatch]]:
    """Yield every segment that is in the output with its place, the surest first; no two places overlap."""
    segments = [(segment, line.kind == "typed") for line in truth.lines for segment in line.segments]
    matches = [(best_match(_segment_text(segment), text), segment, is_scored) for segment, is_scored in segments]
    for match, segment, is_scored in sorted(matches, key=lambda claim: (claim[0].edits + 1) / len(_segment_text(claim[1]))):
        if CLAIMED in text[match.start : match.end]:
            match = best_match(_segment_text(segment), text)  # noqa: PLW2901 (another line was surer of it: look again in what is left)
        if match.edits <= MAX_EDIT_SHARE * len(_segment_text(segment)) and CLAIMED not in text[match.start : match.end]:
            text = text[: match.start] + CLAIMED * (match.end - match.start) + text[match.end :]
            yield segment, is_scored, match


def _shared_letters(segment: LineSegment, match: TextMatch, text: str, spans: Sequence[Span]) -> Iterator[tuple[int, Counter[int]]]:
    """Yield for each of the output's words at a place its index, and how many letters it has of which true word."""
    owners = _true_word_of_each_char(segment, text[match.start : match.end])
    for index, (start, end) in enumerate(spans):
        first, last = max(start, match.start), min(end, match.end)
        if first < last:
            yield index, Counter(owner for owner in owners[first - match.start : last - match.start] if owner is not None)


def _assign_true_words(shared: Mapping[int, Counter[int]]) -> dict[int, tuple[int, ...]]:
    """Return for each of the output's words the true words that have most of their letters in it."""
    assigned: dict[int, tuple[int, ...]] = {}
    for true_index in sorted({true_index for letters in shared.values() for true_index in letters}):
        owner = max(shared, key=lambda index: shared[index][true_index])
        assigned[owner] = (*assigned.get(owner, ()), true_index)
    return assigned


def _true_word_of_each_char(segment: LineSegment, output: str) -> list[int | None]:
    """Return for each character of the output the index of the true word it stands for, None for a blank or an insertion."""
    word_of_letter = [index for index, word in enumerate(segment) for _ in normalise(word.text) + " "][:-1]
    text = _segment_text(segment)
    owners: list[int | None] = [None] * len(output)
    for step in Levenshtein.opcodes(text, output):
        if step.tag in ("equal", "replace"):
            for source, target in zip(range(step.src_start, step.src_end), range(step.dest_start, step.dest_end), strict=False):
                owners[target] = word_of_letter[source] if text[source] != " " else None
    return owners


def _label_word(word: str, segment: LineSegment, letters: Counter[int]) -> Label:
    # The word it shares most letters with; a stray letter of a neighbour decides nothing.
    true_index = max(letters, key=lambda index: letters[index], default=None)
    if true_index is None:
        return "wrong"
    if not segment[true_index].sure:
        return "unscored"
    return "right" if strip_punctuation(segment[true_index].text) == strip_punctuation(word) else "wrong"
