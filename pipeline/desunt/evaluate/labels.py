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

from desunt.evaluate.ground_truth import GroundTruth, TrueWord
from desunt.evaluate.metrics import Place, bare, best_place, normalise, words_of
from desunt.record.document import Span

Label: TypeAlias = Literal["right", "wrong", "unscored"]
Run: TypeAlias = tuple[TrueWord, ...]

# A line that needs more edits than this share of its letters is not in the output: what looks like it is another text.
MOST_EDITS = 0.5
CLAIMED = "\x00"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a word of an output stands for.

    `run` is the line of the ground truth, or the part of it between holes, that it stands in, empty if it stands in none. `owned` are the
    places in it of the words that belong to this one: each belongs to the word that has most of its letters, the first of equals.
    """

    label: Label = "unscored"
    run: Run = ()
    owned: tuple[int, ...] = ()

    @property
    def truth(self) -> tuple[str, ...]:
        """Return the words that stand there, bare."""
        return words_of(" ".join(self.run[place].text for place in self.owned))


def label_words(truth: GroundTruth, words: Sequence[str]) -> tuple[Label, ...]:
    """Label every word of an output, given in reading order.

    Unscored are words that stand in no line of the ground truth (letterheads, noise: `metrics.invented_words` counts those), in
    handwriting, stamps and forms, and where the ground truth is unsure. A word is right if it equals the one word it stands for,
    punctuation at its ends aside.
    """
    return tuple(standing.label for standing in stand_words(truth, words))


def stand_words(truth: GroundTruth, words: Sequence[str]) -> tuple[Standing, ...]:
    """Find for every word of an output what it stands for, labelled as `label_words` says."""
    spans, text = _laid_out(words)
    standings = [Standing()] * len(words)
    for run, scored, place in _claims(truth, text):
        shares = {index: share for index, share in _shares(run, place, text, spans) if bare(words[index])}
        owned = _owned(shares)
        for index, share in shares.items():
            label = _label(words[index], run, share) if scored else "unscored"
            standings[index] = Standing(label, run, owned.get(index, ()))
    return tuple(standings)


def _laid_out(words: Sequence[str]) -> tuple[list[Span], str]:
    spans, text = list[Span](), ""
    for word in words:
        plain = normalise(word)
        spans.append((len(text), len(text) + len(plain)))
        text += plain + " "
    return spans, text


def _text(run: Run) -> str:
    return " ".join(normalise(word.text) for word in run)


def _claims(truth: GroundTruth, text: str) -> Iterator[tuple[Run, bool, Place]]:
    """Yield every run of words that is in the output with its place, the surest first; no two places overlap."""
    runs = [(run, line.kind == "typed") for line in truth.lines for run in line.segments]
    found = [(best_place(_text(run), text), run, scored) for run, scored in runs]
    for place, run, scored in sorted(found, key=lambda claim: (claim[0].edits + 1) / len(_text(claim[1]))):
        if CLAIMED in text[place.start : place.end]:
            place = best_place(_text(run), text)  # noqa: PLW2901 (another line was surer of it: look again in what is left)
        if place.edits <= MOST_EDITS * len(_text(run)) and CLAIMED not in text[place.start : place.end]:
            text = text[: place.start] + CLAIMED * (place.end - place.start) + text[place.end :]
            yield run, scored, place


def _shares(run: Run, place: Place, text: str, spans: Sequence[Span]) -> Iterator[tuple[int, Counter[int]]]:
    """Yield for each of the output's words at a place its index, and how many letters it has of which true word."""
    owners = _owners(run, text[place.start : place.end])
    for index, (start, end) in enumerate(spans):
        first, last = max(start, place.start), min(end, place.end)
        if first < last:
            yield index, Counter(owner for owner in owners[first - place.start : last - place.start] if owner is not None)


def _owned(shares: Mapping[int, Counter[int]]) -> dict[int, tuple[int, ...]]:
    """Return for each of the output's words the true words that have most of their letters in it."""
    owned: dict[int, tuple[int, ...]] = {}
    for true in sorted({true for share in shares.values() for true in share}):
        most = max(shares, key=lambda index: shares[index][true])
        owned[most] = (*owned.get(most, ()), true)
    return owned


def _owners(run: Run, output: str) -> list[int | None]:
    """Return for each character of the output the index of the true word it stands for, None for a blank or an insertion."""
    letters = [index for index, word in enumerate(run) for _ in normalise(word.text) + " "][:-1]
    text = _text(run)
    owners: list[int | None] = [None] * len(output)
    for step in Levenshtein.opcodes(text, output):
        if step.tag in ("equal", "replace"):
            for source, target in zip(range(step.src_start, step.src_end), range(step.dest_start, step.dest_end), strict=False):
                owners[target] = letters[source] if text[source] != " " else None
    return owners


def _label(word: str, run: Run, share: Counter[int]) -> Label:
    # The word it shares most letters with; a stray letter of a neighbour decides nothing.
    most = max(share, key=lambda true: share[true], default=None)
    if most is None:
        return "wrong"
    if not run[most].sure:
        return "unscored"
    return "right" if bare(run[most].text) == bare(word) else "wrong"
