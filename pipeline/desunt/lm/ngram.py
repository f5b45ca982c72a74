"""An interpolated word n-gram model of up to four words that reads the three words on each side of a gap.

It stands beside the language model as evidence, and alone as the honest baseline. Probabilities are smoothed by absolute discounting,
interpolated with shorter n-grams (Ney, Essen & Kneser 1994). Words are case folded; the form they were seen in most often is what is
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
from desunt.lm.length import count_graphemes, length_log_prob
from desunt.lm.model_files import model_file
from desunt.lm.ngram_table import (
    DISCOUNTS,
    MAX_ORDER,
    WORD_BITS,
    Counts,
    Keys,
    NgramTable,
    build_table,
    count_ngrams,
    frequent_ngrams,
    load_table,
)
from desunt.record.conjecture import ModelRef

WordIds: TypeAlias = "int | NDArray[np.int64]"

NGRAM_FILE = "ngram.npz"
TOKEN = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*|[^\w\s]")
WORD = re.compile(r"\w")
UNKNOWN_WORD = 0
VOCABULARY_SIZE = 60_000
CONTEXT_WORDS = MAX_ORDER - 1
CONTEXT_CHARS = 200
# N-grams seen less often are not kept, by order.
MIN_COUNT = {2: 1, 3: 2, 4: 2}
# Gaps of several words: partial fillings kept, words tried behind each, the most frequent ones that are looked at there.
BEAM_WIDTH, EXPANSIONS, NEXT_VOCABULARY_SIZE, MAX_WORDS = 15, 30, 4000, 5
MAX_OPEN_LETTERS = 30


class NgramModel:
    """Propose and score fillings by word n-grams; needs no network weights."""

    def __init__(self, words: Sequence[str], unigrams: Counts, tables: Sequence[NgramTable]) -> None:
        self.words, self.unigrams, self.tables = tuple(words), unigrams, tuple(tables)

    @cached_property
    def _word_ids(self) -> dict[str, int]:
        return {word.casefold(): number for number, word in enumerate(self.words) if number != UNKNOWN_WORD}

    @cached_property
    def _lengths(self) -> NDArray[np.int64]:
        # Punctuation and the unknown word are never proposed: they get no length that fits.
        return np.array([count_graphemes(word) if n != UNKNOWN_WORD and WORD.search(word) else -1 for n, word in enumerate(self.words)])

    @cached_property
    def _unigram_log_probs(self) -> NDArray[np.float64]:
        smoothed = self.unigrams.astype(np.float64) + 0.5
        log_probs: NDArray[np.float64] = np.log(smoothed / smoothed.sum())
        return log_probs

    @cached_property
    def ref(self) -> ModelRef:
        digest = hashlib.sha256("\n".join(self.words).encode())
        for table in self.tables:
            digest.update(table.keys.tobytes() + table.counts.tobytes())
        return ModelRef("ngram", "2", digest.hexdigest())

    @classmethod
    def train(cls, texts: Iterable[str], *, vocabulary_size: int = VOCABULARY_SIZE, min_count: Mapping[int, int] = MIN_COUNT) -> NgramModel:
        """Count the texts; n-grams seen less often than `min_count` says for their order are dropped.

        The running words are kept as numbers in order of their first occurrence, four bytes each: the whole text need not fit in memory.
        """
        forms: dict[str, Counter[str]] = {}
        first_ids: dict[str, int] = {}
        running_ids = array("I")
        for text in texts:
            running_ids.append(UNKNOWN_WORD)
            for token in TOKEN.findall(text):
                word = token.casefold()
                running_ids.append(first_ids.setdefault(word, len(first_ids) + 1))
                forms.setdefault(word, Counter())[token] += 1
        ranked = sorted(forms, key=lambda w: (-forms[w].total(), w))[:vocabulary_size]
        words = ["", *(min(forms[w].items(), key=lambda item: (-item[1], item[0]))[0] for w in ranked)]
        word_ids = np.zeros(len(first_ids) + 1, np.uint64)
        word_ids[[first_ids[word] for word in ranked]] = np.arange(1, len(ranked) + 1)
        return cls._from_word_ids(words, word_ids[np.frombuffer(running_ids, np.uint32)], min_count)

    @classmethod
    def _from_word_ids(cls, words: Sequence[str], running_ids: Keys, min_count: Mapping[int, int]) -> NgramModel:
        tables: list[NgramTable] = []
        unigrams = np.zeros(len(words), np.float32)
        for order, keys, counts in count_ngrams(running_ids):
            if order == 1:
                unigrams[keys.astype(np.int64)] = counts
            else:
                tables.append(build_table(*frequent_ngrams(keys, counts, min_count[order]), DISCOUNTS[order]))
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
        with np.load(path, allow_pickle=False) as arrays:
            words = arrays["words"].tobytes().decode().split("\n")
            return cls(words, arrays["unigrams"], [load_table(arrays, order) for order in range(2, MAX_ORDER + 1)])

    def log_prob(self, *word_ids: WordIds) -> NDArray[np.float64]:
        """Return log P(last word | those before it), element by element; word numbers and arrays of them may be mixed."""
        *before, last = np.broadcast_arrays(*(np.atleast_1d(np.asarray(n)).astype(np.uint64) for n in word_ids))
        probability = np.exp(self._unigram_log_probs[last.astype(np.int64)])
        history = np.zeros_like(last)
        for order, table in enumerate(self.tables[: len(before)], 2):
            history = history | (before[1 - order] << (WORD_BITS * np.uint64(order - 2)))
            own, backoff_share = table.probabilities(history, last, DISCOUNTS[order])
            probability = own + backoff_share * probability
        log_probs: NDArray[np.float64] = np.log(probability)
        return log_probs

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        return [self._propose(context, limit) for context in contexts]

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        """Return the log probability of each text and of the three words behind it, given the three before."""
        left, right = self._context_words(context)
        letters = context.letters
        whole_words = (self._encode(f"{letters.before}{text}{letters.after}") for text in texts)
        return [self._sequence_log_prob([*left, *word_ids, *right]) for word_ids in whole_words]

    def _sequence_log_prob(self, word_ids: list[int]) -> float:
        sequence, count = np.array(word_ids), len(word_ids) - CONTEXT_WORDS
        return float(self.log_prob(*(sequence[place : place + count] for place in range(MAX_ORDER))).sum())

    def _encode(self, text: str) -> list[int]:
        return [self._word_ids.get(token.casefold(), UNKNOWN_WORD) for token in TOKEN.findall(text)]

    def _context_words(self, context: Context) -> tuple[list[int], list[int]]:
        left = [*[UNKNOWN_WORD] * CONTEXT_WORDS, *self._encode(context.before[-CONTEXT_CHARS:])][-CONTEXT_WORDS:]
        return left, self._encode(context.after[:CONTEXT_CHARS])[:CONTEXT_WORDS]

    def _propose(self, context: Context, limit: int) -> list[Filling]:
        left, right = self._context_words(context)
        fitting = np.flatnonzero((self._lengths > 0) & (self._lengths <= _max_letters(context)))
        scores: dict[str, float] = {}
        beams: list[tuple[float, list[int]]] = [(0.0, [])]
        for depth in range(max_words := _max_words(context)):
            fitting = fitting[fitting <= NEXT_VOCABULARY_SIZE] if depth else fitting
            longer: list[tuple[float, list[int]]] = []
            for score, word_ids in beams:
                history = [*left, *word_ids][-CONTEXT_WORDS:]
                start = "".join(f"{self.words[number]} " for number in word_ids)
                last = fitting[self._fit_length(fitting, count_graphemes(start), context)]
                whole = score + self.log_prob(*history, last) + self._right_log_prob(history, last, right)
                scores |= {text: whole[i] for i, text in self._best_endings(start, last, whole, context, limit)}
                if depth + 1 < max_words:
                    extended = score + self.log_prob(*history, fitting)
                    best = np.argsort(-extended, kind="stable")[:EXPANSIONS]
                    longer += [(float(extended[i]), [*word_ids, int(fitting[i])]) for i in best]
            beams = sorted(longer, key=lambda item: (-item[0], item[1]))[:BEAM_WIDTH]
        ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [Filling(text, float(score)) for text, score in ranked]

    def _right_log_prob(self, before: Sequence[int], last: NDArray[np.int64], right: Sequence[int]) -> NDArray[np.float64]:
        """Return the log probability of what is behind the gap for each last word of the filling."""
        window: list[WordIds] = [*before, last]
        total = np.zeros(len(last))
        for word_id in right:
            window = [*window[1:], word_id]
            total += self.log_prob(*window)
        return total

    def _best_endings(
        self, start: str, last: NDArray[np.int64], scores: NDArray[np.float64], context: Context, limit: int
    ) -> Iterator[tuple[int, str]]:
        """Yield place and text of the best fillings that end with one of the words and fit the gap."""
        count = 0
        for i in np.argsort(-scores, kind="stable"):
            text = _without_letters(start + self.words[int(last[i])], context)
            if text is not None and length_log_prob(text, context.extent) == 0.0:
                count += 1
                yield int(i), text
            if count == limit:
                return

    def _fit_length(self, words: NDArray[np.int64], letters_before: int, context: Context) -> NDArray[np.bool_]:
        """Tell which words fill the gap's length, so many letters before them: only these can be the last."""
        extent, letters = context.extent, context.letters
        if extent is None or extent.unit != "character":
            return np.ones(len(words), bool)
        lengths = self._lengths[words] + letters_before - count_graphemes(letters.before) - count_graphemes(letters.after)
        fits: NDArray[np.bool_] = lengths >= extent.least
        return fits & (lengths <= extent.most) if extent.most else fits


def _max_letters(context: Context) -> int:
    extent = context.extent
    max_letters = extent.most if extent is not None and extent.unit == "character" and extent.most else MAX_OPEN_LETTERS
    return max_letters + len(context.letters.before) + len(context.letters.after)


def _max_words(context: Context) -> int:
    extent = context.extent
    if extent is None:
        return 1 if context.after.strip() else 3
    most = extent.most or extent.least
    return min(MAX_WORDS, most if extent.unit == "word" else max(1, -(-most // 6)))


def _without_letters(text: str, context: Context) -> str | None:
    """Return the filling without the surviving letters, None if it does not keep them."""
    before, after = context.letters.before, context.letters.after
    end = len(text) - len(after)
    keeps = text[: len(before)].casefold() == before.casefold() and text[end:].casefold() == after.casefold()
    return text[len(before) : end] if keeps and end > len(before) else None


def load_ngram_baseline(_: str, models: Path | None, rescore: bool) -> NgramModel:
    """Load the model alone, as a baseline."""
    return load_ngram_model(models)


def load_ngram_model(models: Path | None = None) -> NgramModel:
    """Return the shipped model, read once a process; raises DependencyMissing without its file."""
    return _load(model_file(NGRAM_FILE, models))


@cache
def _load(path: Path) -> NgramModel:
    return NgramModel.load(path)
