"""The honest baseline: an interpolated word trigram model that reads the two words on each side of a gap.

Probabilities are smoothed by absolute discounting with back-off to lower orders (Ney, Essen & Kneser 1994). Words are case folded;
the form they were seen in most often is what is proposed. Counts are sorted arrays of packed word numbers: small, and quick to look up.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from desunt.conjecture import ModelRef
from desunt.errors import DependencyMissing
from desunt.length import letters_in, log_length
from desunt.lm import Context, Filling
from desunt.places import weights_folder

Keys: TypeAlias = NDArray[np.uint64]
Counts: TypeAlias = NDArray[np.float32]
Numbers: TypeAlias = "int | NDArray[np.int64]"

TOKEN = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*|[^\w\s]")
WORD = re.compile(r"\w")
# Word numbers are packed in 21 bits each; 0 stands for a word never seen.
BITS = np.uint64(21)
UNKNOWN = 0
DISCOUNT = 0.75
VOCABULARY = 60_000
# Gaps of several words: partial fillings kept, words tried behind each, the most frequent ones that are looked at there.
KEPT, TRIED, FREQUENT, MOST_WORDS = 15, 30, 4000, 5


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of one order: packed keys in rising order, their counts, and for each history its total and number of followers."""

    keys: Keys
    counts: Counts
    histories: Keys
    totals: Counts
    kinds: Counts

    def count(self, keys: Keys) -> Counts:
        return _look_up(self.keys, self.counts, keys)

    def history(self, keys: Keys) -> tuple[Counts, Counts]:
        return _look_up(self.histories, self.totals, keys), _look_up(self.histories, self.kinds, keys)


def _look_up(keys: Keys, values: Counts, wanted: Keys) -> Counts:
    if not len(keys):
        return np.zeros(len(wanted), np.float32)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: Counts = np.where(keys[places] == wanted, values[places], np.float32(0)).astype(np.float32)
    return found


def _table(keys: Keys, least: int) -> Table:
    unique, seen = np.unique(keys, return_counts=True)
    unique, counts = unique[seen >= least], seen[seen >= least].astype(np.float32)
    histories, starts = np.unique(unique >> BITS, return_index=True)
    totals = np.add.reduceat(counts, starts).astype(np.float32) if len(starts) else counts
    kinds = np.diff(np.append(starts, len(unique))).astype(np.float32)
    return Table(unique, counts, histories, totals, kinds)


class NgramModel:
    """Propose and score fillings by word trigrams; needs no network weights."""

    def __init__(self, words: Sequence[str], unigrams: Counts, bigrams: Table, trigrams: Table) -> None:
        self.words, self.unigrams, self.bigrams, self.trigrams = tuple(words), unigrams, bigrams, trigrams

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word.casefold(): number for number, word in enumerate(self.words) if number != UNKNOWN}

    @cached_property
    def _lengths(self) -> NDArray[np.int64]:
        # Punctuation and the unknown word are never proposed: they get no length that fits.
        return np.array([letters_in(word) if n != UNKNOWN and WORD.search(word) else -1 for n, word in enumerate(self.words)])

    @cached_property
    def _log_unigrams(self) -> NDArray[np.float64]:
        smoothed = self.unigrams.astype(np.float64) + 0.5
        logs: NDArray[np.float64] = np.log(smoothed / smoothed.sum())
        return logs

    @cached_property
    def ref(self) -> ModelRef:
        digest = hashlib.sha256("\n".join(self.words).encode())
        for table in (self.bigrams, self.trigrams):
            digest.update(table.keys.tobytes() + table.counts.tobytes())
        return ModelRef("ngram", "1", digest.hexdigest())

    @classmethod
    def train(cls, texts: Iterable[str], *, vocabulary: int = VOCABULARY, least_trigrams: int = 2) -> NgramModel:
        """Count the texts; trigrams seen fewer than `least_trigrams` times are dropped.

        The running words are kept as numbers in order of their first occurrence, four bytes each: the whole text need not fit in memory.
        """
        forms: dict[str, Counter[str]] = {}
        first: dict[str, int] = {}
        running = array("I")
        for text in texts:
            running.append(UNKNOWN)
            for token in TOKEN.findall(text):
                word = token.casefold()
                running.append(first.setdefault(word, len(first) + 1))
                forms.setdefault(word, Counter())[token] += 1
        ranked = sorted(forms, key=lambda w: (-forms[w].total(), w))[:vocabulary]
        words = ["", *(min(forms[w].items(), key=lambda item: (-item[1], item[0]))[0] for w in ranked)]
        numbers = np.zeros(len(first) + 1, np.uint64)
        numbers[[first[word] for word in ranked]] = np.arange(1, len(ranked) + 1)
        ids = numbers[np.frombuffer(running, np.uint32)]
        unigrams = np.bincount(ids.astype(np.int64), minlength=len(words)).astype(np.float32)
        pairs = (ids[:-1] << BITS) | ids[1:]
        triples = (pairs[:-1] << BITS) | ids[2:]
        return cls(words, unigrams, _table(pairs, 1), _table(triples, least_trigrams))

    def save(self, path: Path) -> None:
        """Write the model as a compressed NumPy archive."""
        text = np.frombuffer("\n".join(self.words).encode(), np.uint8)
        tables = {f"{name}_{part}": getattr(table, part) for name, table in self._tables() for part in Table.__slots__}
        np.savez_compressed(path, words=text, unigrams=self.unigrams, **tables)

    @classmethod
    def load(cls, path: Path) -> NgramModel:
        """Read a model that `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            words = stored["words"].tobytes().decode().split("\n")
            tables = [Table(**{part: stored[f"{name}_{part}"] for part in Table.__slots__}) for name in ("bigrams", "trigrams")]
            return cls(words, stored["unigrams"], *tables)

    def _tables(self) -> Iterator[tuple[str, Table]]:
        yield "bigrams", self.bigrams
        yield "trigrams", self.trigrams

    def log_next(self, first: Numbers, second: Numbers, third: Numbers) -> NDArray[np.float64]:
        """Return log P(third | first second), element by element; word numbers and arrays of them may be mixed."""
        one, two, three = np.broadcast_arrays(*(np.atleast_1d(np.asarray(n)).astype(np.uint64) for n in (first, second, third)))
        lower = np.exp(self._log_unigrams[three.astype(np.int64)])
        for table, history in ((self.bigrams, two), (self.trigrams, (one << BITS) | two)):
            totals, kinds = table.history(history)
            seen = np.maximum(table.count((history << BITS) | three) - DISCOUNT, 0.0)
            lower = np.where(totals > 0, (seen + DISCOUNT * kinds * lower) / np.maximum(totals, 1.0), lower)
        logs: NDArray[np.float64] = np.log(lower)
        return logs

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        return [self._propose(context, limit) for context in contexts]

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        """Return the log probability of each text and of the two words behind it, given the two before."""
        left, right = self._around(context)
        letters = context.letters
        whole = (self._number_all(f"{letters.before}{text}{letters.after}") for text in texts)
        return [self._log_run([*left, *numbers, *right], skip=2) for numbers in whole]

    def _log_run(self, numbers: list[int], skip: int) -> float:
        run = np.array(numbers)
        return float(self.log_next(run[skip - 2 : -2], run[skip - 1 : -1], run[skip:]).sum())

    def _number_all(self, text: str) -> list[int]:
        return [self._numbers.get(token.casefold(), UNKNOWN) for token in TOKEN.findall(text)]

    def _around(self, context: Context) -> tuple[list[int], list[int]]:
        left = [UNKNOWN, UNKNOWN, *self._number_all(context.before[-200:])][-2:]
        return left, self._number_all(context.after[:200])[:2]

    def _propose(self, context: Context, limit: int) -> list[Filling]:
        left, right = self._around(context)
        fitting = np.flatnonzero((self._lengths > 0) & (self._lengths <= _most_letters(context)))
        found: dict[str, float] = {}
        beam: list[tuple[float, list[int]]] = [(0.0, [])]
        for place in range(_most_words(context)):
            fitting = fitting[fitting <= FREQUENT] if place else fitting
            longer: list[tuple[float, list[int]]] = []
            for score, numbers in beam:
                history = [*left, *numbers][-2:]
                scores = score + self.log_next(history[0], history[1], fitting)
                whole = scores + self._behind(history[1], fitting, right)
                found |= {text: whole[i] for i, text in self._ending(numbers, fitting, whole, context, limit)}
                longer += [(float(scores[i]), [*numbers, int(fitting[i])]) for i in np.argsort(-scores, kind="stable")[:TRIED]]
            beam = sorted(longer, key=lambda item: (-item[0], item[1]))[:KEPT]
        best = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [Filling(text, float(score)) for text, score in best]

    def _behind(self, before: int, words: NDArray[np.int64], right: Sequence[int]) -> NDArray[np.float64]:
        """Return the log probability of the words behind the gap for each last word of the filling."""
        total = np.zeros(len(words))
        if right:
            total += self.log_next(before, words, right[0])
        if len(right) > 1:
            total += self.log_next(words, right[0], right[1])
        return total

    def _ending(
        self, numbers: list[int], words: NDArray[np.int64], scores: NDArray[np.float64], context: Context, limit: int
    ) -> Iterator[tuple[int, str]]:
        """Yield place and text of the best fillings that end with one of the words and fit the gap."""
        head, kept = "".join(f"{self.words[number]} " for number in numbers), 0
        for i in np.argsort(-scores, kind="stable"):
            text = _cut(head + self.words[int(words[i])], context)
            if text is not None and log_length(text, context.extent) == 0.0:
                kept += 1
                yield int(i), text
            if kept == limit:
                return


def _most_letters(context: Context) -> int:
    extent = context.extent
    most = extent.most if extent is not None and extent.unit == "character" and extent.most else 30
    return most + len(context.letters.before) + len(context.letters.after)


def _most_words(context: Context) -> int:
    extent = context.extent
    if extent is None:
        return 1 if context.after.strip() else 3
    most = extent.most or extent.least
    return min(MOST_WORDS, most if extent.unit == "word" else max(1, -(-most // 6)))


def _cut(text: str, context: Context) -> str | None:
    """Return the filling without the surviving letters, None if it does not keep them."""
    head, tail = len(context.letters.before), len(context.letters.after)
    fits = (
        text[:head].casefold() == context.letters.before.casefold()
        and text[len(text) - tail :].casefold() == context.letters.after.casefold()
    )
    return text[head : len(text) - tail] if fits and len(text) > head + tail else None


def load_ngram(name: str, models: Path | None, rescore: bool) -> NgramModel:
    """Load the trained baseline; raises DependencyMissing if models/train_ngram.py was never run."""
    path = weights_folder(models) / "ngram.npz"
    if not path.is_file():
        raise DependencyMissing(f"{path}: no such file", remedy="Train the baseline with models/train_ngram.py")
    return NgramModel.load(path)
