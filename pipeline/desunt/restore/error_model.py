"""How a reading goes wrong: P(reading | text), a noisy channel that says what an engine (or a telegraph) makes of letters."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from desunt.errors import IntegrityError
from desunt.lm.lexicon import strip_punctuation

# How often a doubtful word has been given parts that are not there: 113 of 865 on 36 pages.
SPECKS_LOG_PROB = math.log(113 / 865)
# A part of more letters than this is none of the specks beside a word.
MAX_SPECK_LETTERS = 2
# A nearest word has at most this share of its letters changed.
MAX_CHANGED_SHARE = 0.4
MAX_DESCRIBED_EDITS = 3


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """A fitted table of edits; every number is a natural logarithm with its sign turned, so that less is likelier.

    `costs` maps (letters of the text, letters of the reading), up to two of each so that rn <-> m is one step, to its cost.
    Six costs are for what it does not hold: the same letter, the other case, any other letter, a letter lost, a letter added,
    two letters turned round. A share `noise` of readings has nothing to do with the text; each of their letters costs `noise_per_letter`.
    """

    costs: Mapping[tuple[str, str], float]
    match: float
    case_change: float
    substitution: float
    deletion: float
    insertion: float
    transposition: float
    noise: float
    noise_per_letter: float

    def log_likelihood(self, reading: str, text: str) -> float:
        """Return log P(reading | text) by the best alignment, or as noise where that explains the reading better."""
        aligned = math.log1p(-self.noise) - self.align(text, reading)[0]
        unrelated = math.log(self.noise) - self.noise_per_letter * (len(reading) + 1)
        return max(aligned, unrelated) + math.log1p(math.exp(-abs(aligned - unrelated)))

    def log_likelihood_with_specks(self, reading: str, text: str) -> float:
        """Return log P(reading | text), what stands beside the longest part of the reading counted once, as specks."""
        whole, part, plain = strip_marks(reading), longest_part(reading), strip_punctuation(text) or text
        log_likelihood = self.log_likelihood(whole, plain)
        return log_likelihood if part == whole else max(log_likelihood, SPECKS_LOG_PROB + self.log_likelihood(part, plain))

    def align(self, text: str, reading: str) -> tuple[float, tuple[tuple[str, str], ...]]:
        """Return the cost of the cheapest alignment and its (letters of the text, letters of the reading), equal ones among them."""
        long_costs = {pair: cost for pair, cost in self.costs.items() if len(pair[0]) > 1 or len(pair[1]) > 1}
        insertions = [self.costs.get(("", char), self.insertion) for char in reading]
        best = [[math.inf] * (len(reading) + 1) for _ in range(len(text) + 1)]
        steps = [[(0, 0)] * (len(reading) + 1) for _ in range(len(text) + 1)]
        best[0][0] = 0.0
        for i in range(len(text) + 1):
            deletion = self.costs.get((text[i - 1], ""), self.deletion) if i else 0.0
            for j in range(len(reading) + 1):
                options = [(best[i][j], 0, 0)]
                if i and j:
                    options.append((best[i - 1][j - 1] + self._letter_cost(text[i - 1], reading[j - 1]), 1, 1))
                if i:
                    options.append((best[i - 1][j] + deletion, 1, 0))
                if j:
                    options.append((best[i][j - 1] + insertions[j - 1], 0, 1))
                options += self._long_steps(best, long_costs, (text, reading), i=i, j=j)
                best[i][j], *step = min(options)
                steps[i][j] = (step[0], step[1])
        return best[-1][-1], tuple(_trace_back(steps, text, reading))

    def _letter_cost(self, text: str, reading: str) -> float:
        cost = self.costs.get((text, reading))
        if cost is not None:
            return cost
        if text == reading:
            return self.match
        return self.case_change if text.casefold() == reading.casefold() else self.substitution

    def _long_steps(
        self, best: list[list[float]], long_costs: Mapping[tuple[str, str], float], pair: tuple[str, str], *, i: int, j: int
    ) -> Iterator[tuple[float, int, int]]:
        """Yield the ways to (i, j) that take two letters at once."""
        for a, b in ((2, 1), (1, 2), (2, 2), (2, 0), (0, 2)):
            if a > i or b > j:
                continue
            edit = (pair[0][i - a : i], pair[1][j - b : j])
            cost = long_costs.get(edit)
            if cost is None and a == b and edit[0] == edit[1][::-1] and edit[1][0] != edit[1][1]:
                cost = self.transposition
            if cost is not None:
                yield best[i - a][j - b] + cost, a, b

    def corrections(self, reading: str, limit: int) -> list[str]:
        """Return readings with one known confusion undone, the likeliest first: `Arnbassador` gives `Ambassador`."""
        costs: dict[str, float] = {}
        for (right, wrong), cost in self.costs.items():
            if right == wrong or not wrong:
                continue
            for start in _find_all(reading, wrong):
                corrected = reading[:start] + right + reading[start + len(wrong) :]
                costs[corrected] = min(cost, costs.get(corrected, math.inf))
        return sorted((text for text in costs if text.strip()), key=lambda text: (costs[text], text))[:limit]

    def describe_edits(self, text: str, reading: str) -> str:
        """Return what differs as a phrase for an editor, like `m read as rn`; empty where nothing does or too much does."""
        edits = [pair for pair in self.align(text, reading)[1] if pair[0] != pair[1]]
        return ", ".join(_describe_edit(*edit) for edit in edits) if len(edits) <= MAX_DESCRIBED_EDITS else ""


def _trace_back(steps: list[list[tuple[int, int]]], text: str, reading: str) -> list[tuple[str, str]]:
    pairs, i, j = [], len(text), len(reading)
    while i or j:
        a, b = steps[i][j]
        pairs.append((text[i - a : i], reading[j - b : j]))
        i, j = i - a, j - b
    return pairs[::-1]


def _find_all(text: str, part: str) -> Iterator[int]:
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + 1)


def _describe_edit(text: str, reading: str) -> str:
    if not reading:
        return f"{text} not read"
    return f"{text} read as {reading}" if text else f"{reading} added"


def strip_marks(reading: str) -> str:
    """Return the reading without what is no word: marks at the ends of its parts, and parts of marks alone; never empty."""
    parts = [part for part in map(strip_punctuation, reading.split()) if any(char.isalnum() for char in part)]
    return " ".join(parts) or reading.strip()


def longest_part(reading: str) -> str:
    """Return the longest part of a reading of several: specks and rules beside a word are read as letters."""
    longest = max(strip_marks(reading).split(), key=len, default="")
    return longest if len(longest) > MAX_SPECK_LETTERS else strip_marks(reading)


def nearest_words(reading: str, words: Iterable[str], limit: int) -> list[str]:
    """Return the words nearest to the reading by plain edit distance, case ignored, at most two fifths of its letters changed.

    A coarse net, for `ErrorModel` to weigh what it holds.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import Levenshtein

    cutoff = max(1, round(MAX_CHANGED_SHARE * len(reading)))
    matches = process.extract(
        reading.casefold(), list(words), scorer=Levenshtein.distance, processor=str.casefold, score_cutoff=cutoff, limit=limit
    )
    return [word for word, _, _ in matches]


def read_error_model(path: Path, channel: str) -> ErrorModel:
    """Read one channel's table (`ink` or `garbled`) from the fitted JSON.

    Raises IntegrityError if the file is not what `training/fit_confusion.py` writes.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))["channels"][channel]
        costs = {(text, reading): float(cost) for text, reading, cost in table["costs"]}
        numbers = {field.name: float(table[field.name]) for field in fields(ErrorModel) if field.name != "costs"}
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{path}: no table of confusions for {channel!r} ({error})", remedy="Run training/fit_confusion.py") from None
    return ErrorModel(costs, **numbers)
