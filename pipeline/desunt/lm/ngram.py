"""What words stand together: an interpolated model of runs of up to four words that reads the three words on each side of a gap.

It stands beside the language model as evidence, and alone as the honest baseline. Probabilities are smoothed by absolute discounting,
interpolated with shorter runs (Ney, Essen & Kneser 1994). Words are case folded; the form they were seen in most often is what is
proposed. Counts are sorted arrays of packed word numbers: small, and quick to look up.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from desunt.lm import Context, Filling
from desunt.lm.length import letters_in, log_length
from desunt.lm.model_files import model_file
from desunt.lm.ngram_table import BITS, DISCOUNTS, ORDER, Counts, Keys, Table, counted_runs, kept_runs, stored_table, table_of
from desunt.record.conjecture import ModelRef

Numbers: TypeAlias = "int | NDArray[np.int64]"

FILE = "ngram.npz"
TOKEN = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*|[^\w\s]")
WORD = re.compile(r"\w")
UNKNOWN = 0
VOCABULARY = 60_000
AROUND = ORDER - 1
# Runs seen less often are not kept, by order.
LEAST = {2: 1, 3: 2, 4: 2}
# Gaps of several words: partial fillings kept, words tried behind each, the most frequent ones that are looked at there.
KEPT, TRIED, FREQUENT, MOST_WORDS = 15, 30, 4000, 5


class NgramModel:
    """Propose and score fillings by word trigrams; needs no network weights."""

    def __init__(self, words: Sequence[str], unigrams: Counts, tables: Sequence[Table]) -> None:
        self.words, self.unigrams, self.tables = tuple(words), unigrams, tuple(tables)

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
        for table in self.tables:
            digest.update(table.keys.tobytes() + table.counts.tobytes())
        return ModelRef("ngram", "2", digest.hexdigest())

    @classmethod
    def train(cls, texts: Iterable[str], *, vocabulary: int = VOCABULARY, least: Mapping[int, int] = LEAST) -> NgramModel:
        """Count the texts; runs seen less often than `least` says for their order are dropped.

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
        return cls._from_runs(words, numbers[np.frombuffer(running, np.uint32)], least)

    @classmethod
    def _from_runs(cls, words: Sequence[str], ids: Keys, least: Mapping[int, int]) -> NgramModel:
        tables: list[Table] = []
        unigrams = np.zeros(len(words), np.float32)
        for order, keys, counts in counted_runs(ids):
            if order == 1:
                unigrams[keys.astype(np.int64)] = counts
            else:
                tables.append(table_of(*kept_runs(keys, counts, least[order]), DISCOUNTS[order]))
        return cls(words, unigrams, tables)

    def save(self, path: Path) -> None:
        """Write the model as a compressed NumPy archive: keys as differences, which pack well; what follows from them is left out."""
        text = np.frombuffer("\n".join(self.words).encode(), np.uint8)
        arrays = {"words": text, "unigrams": self.unigrams}
        for order, table in enumerate(self.tables, 2):
            arrays[f"keys{order}"] = np.diff(table.keys, prepend=np.uint64(0))
            arrays[f"counts{order}"] = table.counts.astype(np.uint32)
            arrays[f"totals{order}"] = table.totals.astype(np.uint32)
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> NgramModel:
        """Read a model that `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            words = stored["words"].tobytes().decode().split("\n")
            return cls(words, stored["unigrams"], [stored_table(stored, order) for order in range(2, ORDER + 1)])

    def log_next(self, *run: Numbers) -> NDArray[np.float64]:
        """Return log P(last word | those before it), element by element; word numbers and arrays of them may be mixed."""
        *before, last = np.broadcast_arrays(*(np.atleast_1d(np.asarray(n)).astype(np.uint64) for n in run))
        lower = np.exp(self._log_unigrams[last.astype(np.int64)])
        history = np.zeros_like(last)
        for order, table in enumerate(self.tables[: len(before)], 2):
            history = history | (before[1 - order] << (BITS * np.uint64(order - 2)))
            share, rest = table.shares(history, last, DISCOUNTS[order])
            lower = share + rest * lower
        logs: NDArray[np.float64] = np.log(lower)
        return logs

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        return [self._propose(context, limit) for context in contexts]

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        """Return the log probability of each text and of the three words behind it, given the three before."""
        left, right = self._around(context)
        letters = context.letters
        whole = (self._number_all(f"{letters.before}{text}{letters.after}") for text in texts)
        return [self._log_run([*left, *numbers, *right]) for numbers in whole]

    def _log_run(self, numbers: list[int]) -> float:
        run, count = np.array(numbers), len(numbers) - AROUND
        return float(self.log_next(*(run[place : place + count] for place in range(ORDER))).sum())

    def _number_all(self, text: str) -> list[int]:
        return [self._numbers.get(token.casefold(), UNKNOWN) for token in TOKEN.findall(text)]

    def _around(self, context: Context) -> tuple[list[int], list[int]]:
        left = [*[UNKNOWN] * AROUND, *self._number_all(context.before[-200:])][-AROUND:]
        return left, self._number_all(context.after[:200])[:AROUND]

    def _propose(self, context: Context, limit: int) -> list[Filling]:
        left, right = self._around(context)
        fitting = np.flatnonzero((self._lengths > 0) & (self._lengths <= _most_letters(context)))
        found: dict[str, float] = {}
        beam: list[tuple[float, list[int]]] = [(0.0, [])]
        for place in range(most := _most_words(context)):
            fitting = fitting[fitting <= FREQUENT] if place else fitting
            longer: list[tuple[float, list[int]]] = []
            for score, numbers in beam:
                history = [*left, *numbers][-AROUND:]
                head = "".join(f"{self.words[number]} " for number in numbers)
                last = fitting[self._lengths_fit(fitting, letters_in(head), context)]
                whole = score + self.log_next(*history, last) + self._behind(history, last, right)
                found |= {text: whole[i] for i, text in self._ending(head, last, whole, context, limit)}
                if place + 1 < most:
                    scores = score + self.log_next(*history, fitting)
                    longer += [(float(scores[i]), [*numbers, int(fitting[i])]) for i in np.argsort(-scores, kind="stable")[:TRIED]]
            beam = sorted(longer, key=lambda item: (-item[0], item[1]))[:KEPT]
        best = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [Filling(text, float(score)) for text, score in best]

    def _behind(self, before: Sequence[int], words: NDArray[np.int64], right: Sequence[int]) -> NDArray[np.float64]:
        """Return the log probability of what is behind the gap for each last word of the filling."""
        run: list[Numbers] = [*before, words]
        total = np.zeros(len(words))
        for word in right:
            run = [*run[1:], word]
            total += self.log_next(*run)
        return total

    def _ending(
        self, head: str, words: NDArray[np.int64], scores: NDArray[np.float64], context: Context, limit: int
    ) -> Iterator[tuple[int, str]]:
        """Yield place and text of the best fillings that end with one of the words and fit the gap."""
        kept = 0
        for i in np.argsort(-scores, kind="stable"):
            text = _cut(head + self.words[int(words[i])], context)
            if text is not None and log_length(text, context.extent) == 0.0:
                kept += 1
                yield int(i), text
            if kept == limit:
                return

    def _lengths_fit(self, words: NDArray[np.int64], before: int, context: Context) -> NDArray[np.bool_]:
        """Tell which words fill the gap's length, so many letters before them: only these can be the last."""
        extent, letters = context.extent, context.letters
        if extent is None or extent.unit != "character":
            return np.ones(len(words), bool)
        lengths = self._lengths[words] + before - letters_in(letters.before) - letters_in(letters.after)
        fits: NDArray[np.bool_] = lengths >= extent.least
        return fits & (lengths <= extent.most) if extent.most else fits


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


def load_ngram(_: str, models: Path | None, rescore: bool) -> NgramModel:
    """Load the model alone, as a baseline."""
    return read_phrases(models)


def read_phrases(models: Path | None = None) -> NgramModel:
    """Return the shipped model, read once a process; raises DependencyMissing without its file."""
    return _read(model_file(FILE, models))


@cache
def _read(path: Path) -> NgramModel:
    return NgramModel.load(path)
