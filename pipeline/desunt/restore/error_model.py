"""How a reading goes wrong: P(ink | text), a weighted edit model of what an engine (or a telegraph) makes of letters."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from desunt.errors import WallBroken
from desunt.lm.lexicon import bare

# How often a doubtful word has been given parts that are not there, as a natural logarithm: 113 of 865 on 36 pages.
DIRT = math.log(113 / 865)


@dataclass(frozen=True, slots=True)
class Confusion:
    """A fitted table of confusions; every number is a natural logarithm with its sign turned, so that less is likelier.

    `known` maps (letters of the text, letters of the reading), up to two of each so that rn <-> m is one step, to its cost.
    Six costs are for what it does not hold: the same letter, the other case, any other letter, a letter lost, a letter added,
    two letters turned round. A share `junk` of readings has nothing to do with the text; each of their letters costs `junk_letter`.
    """

    known: Mapping[tuple[str, str], float]
    same: float
    case: float
    swap: float
    lost: float
    added: float
    turned: float
    junk: float
    junk_letter: float

    def log_likelihood(self, ink: str, text: str) -> float:
        """Return log P(ink | text) by the best alignment, or as junk where that explains the reading better."""
        sense = math.log1p(-self.junk) - self.align(text, ink)[0]
        nonsense = math.log(self.junk) - self.junk_letter * (len(ink) + 1)
        return max(sense, nonsense) + math.log1p(math.exp(-abs(sense - nonsense)))

    def explains(self, ink: str, text: str) -> float:
        """Return log P(ink | text), what stands beside the longest part of the reading counted once, as dirt."""
        whole, part = cleaned(ink), core(ink)
        plain = self.log_likelihood(whole, bare(text) or text)
        return plain if part == whole else max(plain, DIRT + self.log_likelihood(part, bare(text) or text))

    def align(self, text: str, ink: str) -> tuple[float, tuple[tuple[str, str], ...]]:
        """Return the cost of the cheapest alignment and its (text piece, reading piece) pairs, equal letters among them."""
        known, long = self.known, {pair: cost for pair, cost in self.known.items() if len(pair[0]) > 1 or len(pair[1]) > 1}
        added = [known.get(("", sign), self.added) for sign in ink]
        best = [[math.inf] * (len(ink) + 1) for _ in range(len(text) + 1)]
        steps = [[(0, 0)] * (len(ink) + 1) for _ in range(len(text) + 1)]
        best[0][0] = 0.0
        for i in range(len(text) + 1):
            lost = known.get((text[i - 1], ""), self.lost) if i else 0.0
            for j in range(len(ink) + 1):
                options = [(best[i][j], 0, 0)]
                if i and j:
                    options.append((best[i - 1][j - 1] + self._letter(text[i - 1], ink[j - 1]), 1, 1))
                if i:
                    options.append((best[i - 1][j] + lost, 1, 0))
                if j:
                    options.append((best[i][j - 1] + added[j - 1], 0, 1))
                options += self._long_steps(best, long, (text, ink), i=i, j=j)
                best[i][j], *step = min(options)
                steps[i][j] = (step[0], step[1])
        return best[-1][-1], tuple(_walk(steps, text, ink))

    def _letter(self, text: str, ink: str) -> float:
        known = self.known.get((text, ink))
        if known is not None:
            return known
        if text == ink:
            return self.same
        return self.case if text.casefold() == ink.casefold() else self.swap

    def _long_steps(
        self, best: list[list[float]], long: Mapping[tuple[str, str], float], pair: tuple[str, str], *, i: int, j: int
    ) -> Iterator[tuple[float, int, int]]:
        """Yield the ways to (i, j) that take two letters at once."""
        for a, b in ((2, 1), (1, 2), (2, 2), (2, 0), (0, 2)):
            if a > i or b > j:
                continue
            piece = (pair[0][i - a : i], pair[1][j - b : j])
            cost = long.get(piece)
            if cost is None and a == b and piece[0] == piece[1][::-1] and piece[1][0] != piece[1][1]:
                cost = self.turned
            if cost is not None:
                yield best[i - a][j - b] + cost, a, b

    def undone(self, ink: str, limit: int) -> list[str]:
        """Return readings with one known confusion undone, the likeliest first: `Arnbassador` gives `Ambassador`."""
        found: dict[str, float] = {}
        for (text, wrong), cost in self.known.items():
            if text == wrong or not wrong:
                continue
            for start in _places(ink, wrong):
                changed = ink[:start] + text + ink[start + len(wrong) :]
                found[changed] = min(cost, found.get(changed, math.inf))
        return sorted((t for t in found if t.strip()), key=lambda t: (found[t], t))[:limit]

    def said(self, text: str, ink: str) -> str:
        """Return what differs as a phrase for an editor, like `m read as rn`; empty where nothing does or too much does."""
        changes = [pair for pair in self.align(text, ink)[1] if pair[0] != pair[1]]
        if not 0 < len(changes) <= 3:
            return ""
        return ", ".join(_phrase(*pair) for pair in changes)


def _walk(steps: list[list[tuple[int, int]]], text: str, ink: str) -> list[tuple[str, str]]:
    pairs, i, j = [], len(text), len(ink)
    while i or j:
        a, b = steps[i][j]
        pairs.append((text[i - a : i], ink[j - b : j]))
        i, j = i - a, j - b
    return pairs[::-1]


def _places(text: str, piece: str) -> Iterator[int]:
    start = text.find(piece)
    while start >= 0:
        yield start
        start = text.find(piece, start + 1)


def _phrase(text: str, ink: str) -> str:
    if not ink:
        return f"{text} not read"
    return f"{text} read as {ink}" if text else f"{ink} added"


def cleaned(ink: str) -> str:
    """Return the reading without what is no word: marks at the ends of its parts, and parts of marks alone; never empty."""
    parts = [part for part in map(bare, ink.split()) if any(sign.isalnum() for sign in part)]
    return " ".join(parts) or ink.strip()


def core(ink: str) -> str:
    """Return the longest part of a reading of several: specks and rules beside a word are read as letters."""
    longest = max(cleaned(ink).split(), key=len, default="")
    return longest if len(longest) > 2 else cleaned(ink)


def near(ink: str, words: Iterable[str], limit: int) -> list[str]:
    """Return the words nearest to the reading by plain edit distance, case ignored, at most two fifths of its letters changed.

    A coarse net, for `Confusion` to weigh what it holds.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import Levenshtein

    cutoff = max(1, round(0.4 * len(ink)))
    hits = process.extract(
        ink.casefold(), list(words), scorer=Levenshtein.distance, processor=str.casefold, score_cutoff=cutoff, limit=limit
    )
    return [word for word, _, _ in hits]


def read_confusion(path: Path, channel: str) -> Confusion:
    """Read one channel's table (`ink` or `garbled`) from the fitted JSON.

    Raises WallBroken if the file is not what `models/fit_confusion.py` writes.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))["channels"][channel]
        known = {(text, ink): float(cost) for text, ink, cost in table["known"]}
        rest = {name: float(table[name]) for name in ("same", "case", "swap", "lost", "added", "turned", "junk", "junk_letter")}
    except (KeyError, TypeError, ValueError) as error:
        raise WallBroken(f"{path}: no table of confusions for {channel!r} ({error})", remedy="Run models/fit_confusion.py") from None
    return Confusion(known, **rest)
