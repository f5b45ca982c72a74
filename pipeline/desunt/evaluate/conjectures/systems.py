"""The systems that are compared when conjectures are measured: a model with all of desunt's evidence, and the baselines it has to beat."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from desunt.__version__ import __version__
from desunt.evaluate.system import System
from desunt.lm import Context, GapModel, load_model
from desunt.lm.length import count_graphemes
from desunt.lm.lexicon import Lexicon
from desunt.lm.model_files import fitted_file_hashes
from desunt.record.atomic import sha256_of
from desunt.record.conjecture import Candidate, Conjecture, ModelRef, Opinion
from desunt.restore import restore
from desunt.restore.calibration import round_down, softmax
from desunt.restore.gap_jsonl import MAX_CANDIDATES, GapLine, gap_queries

FREQUENT_WORDS, NGRAM, UNTUNED_CAUSAL = "frequent words", "n-gram", "untrained"
# Candidates of the untuned baseline, all from the text before the gap.
LEFT_POOL_SIZE = 80


# Answers gaps, one opinion a line, in order.
ConjectureSystem: TypeAlias = System[Sequence[GapLine], list[Opinion]]


class FullSystem:
    """A language model in its place in `restore`: pool, ink, length, lexicon and fitted probabilities as in `desunt fill`."""

    def __init__(self, model: GapModel, lexicon: Lexicon, *, name: str = "", models: Path | None = None) -> None:
        self.model, self.lexicon, self.models, self._name = model, lexicon, models, name

    @property
    def name(self) -> str:
        return self._name

    @cached_property
    def cache_key(self) -> str:
        return json.dumps([__version__, asdict(self.model.ref), fitted_file_hashes(self.models), lexicon_hash(self.lexicon)])

    def answer(self, question: Sequence[GapLine]) -> list[Opinion]:
        return restore(gap_queries(question), self.model, lexicon=self.lexicon, limit=MAX_CANDIDATES, models=self.models)


class FrequentWords:
    """The most frequent words of the lexicon that have the gap's length and surviving letters; nothing else is looked at."""

    name = FREQUENT_WORDS

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    @cached_property
    def cache_key(self) -> str:
        return json.dumps([__version__, FREQUENT_WORDS, lexicon_hash(self.lexicon)])

    def answer(self, question: Sequence[GapLine]) -> list[Opinion]:
        """Return for each gap words with their share of the running words that fit; none where more than one word is lost."""
        return [self._answer(query.context, query.gap.id) for query in gap_queries(question)]

    def _answer(self, context: Context, gap_id: str) -> Opinion:
        fitting = [(rest, count) for word, count in self._words if (rest := _missing_part(word, context)) is not None]
        total = sum(count for _, count in fitting)
        best = sorted(fitting, key=lambda item: (-item[1], item[0]))[:MAX_CANDIDATES]
        return _opinion(gap_id, [(text, count / total) for text, count in best], ModelRef(FREQUENT_WORDS, "1", ""))

    @cached_property
    def _words(self) -> list[tuple[str, int]]:
        return [(form, self.lexicon.counts[folded]) for folded, form in self.lexicon.surface_forms.items()]


def _missing_part(word: str, context: Context) -> str | None:
    """Return what the gap lost if the word stood there, None if it cannot have."""
    head, tail, extent = context.letters.before.casefold(), context.letters.after.casefold(), context.extent
    folded = word.casefold()
    if len(folded) != len(word) or len(word) <= len(head) + len(tail) or not (folded.startswith(head) and folded.endswith(tail)):
        return None
    rest = word[len(head) : len(word) - len(tail)]
    length = count_graphemes(rest) if extent is not None and extent.unit == "character" else 1
    fits = extent is None or (extent.least <= length and (extent.most is None or length <= extent.most))
    return rest if fits else None


class UntunedCausal:
    """A causal model alone: what the text before the gap leads to, ranked by how well it reads with the text on both sides."""

    name = UNTUNED_CAUSAL

    def __init__(self, model: GapModel) -> None:
        self.model = model

    @cached_property
    def cache_key(self) -> str:
        return json.dumps([__version__, UNTUNED_CAUSAL, LEFT_POOL_SIZE, asdict(self.model.ref)])

    def answer(self, question: Sequence[GapLine]) -> list[Opinion]:
        """Return for each gap the proposals with their share of the whole pool's likelihood: no weight of it was fitted."""
        queries = gap_queries(question)
        proposals = self.model.propose([query.context for query in queries], LEFT_POOL_SIZE)
        return [
            self._answer(query.context, query.gap.id, [filling.text for filling in pool if filling.text.strip()])
            for query, pool in zip(queries, proposals, strict=True)
        ]

    def _answer(self, context: Context, gap_id: str, texts: Sequence[str]) -> Opinion:
        scored = [(text, score) for text, score in zip(texts, self.model.score(context, texts), strict=True) if math.isfinite(score)]
        shares = softmax([score for _, score in scored]) if scored else []
        ranked = sorted(((text, share) for (text, _), share in zip(scored, shares, strict=True)), key=lambda item: (-item[1], item[0]))
        return _opinion(gap_id, ranked[:MAX_CANDIDATES], self.model.ref)


def _opinion(gap_id: str, ranked: Sequence[tuple[str, float]], model: ModelRef) -> Opinion:
    probabilities, none = round_down([share for _, share in ranked])
    candidates = tuple(Candidate(text, probability) for (text, _), probability in zip(ranked, probabilities, strict=True))
    return Conjecture(gap_id, candidates, none, model, ("", ""))


def lexicon_hash(lexicon: Lexicon) -> str:
    """Return the hash of all words with their counts."""
    return sha256_of("\n".join(f"{word}\t{count}" for word, count in lexicon.counts.items()).encode())


def baseline_systems(lexicon: Lexicon, models: Path | None = None) -> tuple[ConjectureSystem, ...]:
    """Return what every model is compared with; raises DependencyMissing if one of them is not installed or was never trained."""
    return (
        FrequentWords(lexicon),
        FullSystem(load_model("ngram", models=models), lexicon, name=NGRAM, models=models),
        UntunedCausal(load_model("causal", models=models)),
    )


def answer_key(system: ConjectureSystem, line: GapLine) -> str:
    """Return a hash of all that an answer depends on: the gap, and the system."""
    extent = None if line.extent is None else asdict(line.extent)
    gap = [system.cache_key, line.id, line.before, line.after, extent, line.engine_reading, line.channel]
    return hashlib.sha256(json.dumps(gap).encode()).hexdigest()[:16]
