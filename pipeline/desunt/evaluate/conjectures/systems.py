"""Whom gaps are put to when conjectures are measured: a model with all of desunt's evidence, and the baselines it has to beat."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Protocol

from desunt.__version__ import __version__
from desunt.lm import Context, GapModel, load_model
from desunt.lm.length import letters_in
from desunt.lm.lexicon import Lexicon
from desunt.lm.model_files import model_file
from desunt.record.conjecture import Candidate, Conjecture, ModelRef, Opinion
from desunt.record.files import sha256_of
from desunt.restore import restore
from desunt.restore.calibration import rounded, softmax
from desunt.restore.gap_jsonl import MOST_CANDIDATES, GapLine, questions

FREQUENT, NGRAM, UNTRAINED = "frequent words", "n-gram", "untrained"
# Candidates of the untrained baseline, all from the text before the gap.
LEFT_POOL = 80


class Asker(Protocol):
    """Answer gaps, one opinion a line, in order; `by` is the name in the table, `identity` changes with whatever changes an answer."""

    @property
    def by(self) -> str: ...

    @property
    def identity(self) -> str: ...

    def answer(self, lines: Sequence[GapLine]) -> list[Opinion]: ...


class WithEvidence:
    """A language model in its place in `restore`: pool, ink, length, lexicon and fitted probabilities as in `desunt fill`."""

    def __init__(self, model: GapModel, lexicon: Lexicon, *, by: str = "", models: Path | None = None) -> None:
        self.model, self.lexicon, self.models, self._by = model, lexicon, models, by

    @property
    def by(self) -> str:
        return self._by

    @cached_property
    def identity(self) -> str:
        fitted = [sha256_of(model_file(name, self.models)) for name in ("calibration.json", "confusion.json")]
        return json.dumps([__version__, asdict(self.model.ref), *fitted, lexicon_hash(self.lexicon)])

    def answer(self, lines: Sequence[GapLine]) -> list[Opinion]:
        return restore(questions(lines), self.model, lexicon=self.lexicon, limit=MOST_CANDIDATES, models=self.models)


class FrequentWords:
    """The most frequent words of the lexicon that have the gap's length and surviving letters; nothing else is looked at."""

    by = FREQUENT

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    @cached_property
    def identity(self) -> str:
        return json.dumps([__version__, FREQUENT, lexicon_hash(self.lexicon)])

    def answer(self, lines: Sequence[GapLine]) -> list[Opinion]:
        """Return for each gap words with their share of the running words that fit; none where more than one word is lost."""
        return [self._answer(one.context, one.gap.id) for one in questions(lines)]

    def _answer(self, context: Context, gap_id: str) -> Opinion:
        fitting = [(rest, count) for word, count in self._words if (rest := _completing(word, context)) is not None]
        total = sum(count for _, count in fitting)
        best = sorted(fitting, key=lambda item: (-item[1], item[0]))[:MOST_CANDIDATES]
        return _opinion(gap_id, [(text, count / total) for text, count in best], ModelRef(FREQUENT, "1", ""))

    @cached_property
    def _words(self) -> list[tuple[str, int]]:
        return [(form, self.lexicon.counts[folded]) for folded, form in self.lexicon.forms.items()]


def _completing(word: str, context: Context) -> str | None:
    """Return what the gap lost if the word stood there, None if it cannot have."""
    head, tail, extent = context.letters.before.casefold(), context.letters.after.casefold(), context.extent
    folded = word.casefold()
    if len(folded) != len(word) or len(word) <= len(head) + len(tail) or not (folded.startswith(head) and folded.endswith(tail)):
        return None
    rest = word[len(head) : len(word) - len(tail)]
    length = letters_in(rest) if extent is not None and extent.unit == "character" else 1
    fits = extent is None or (extent.least <= length and (extent.most is None or length <= extent.most))
    return rest if fits else None


class Untrained:
    """A causal model alone: what the text before the gap leads to, ranked by how well it reads with the text on both sides."""

    by = UNTRAINED

    def __init__(self, model: GapModel) -> None:
        self.model = model

    @cached_property
    def identity(self) -> str:
        return json.dumps([__version__, UNTRAINED, LEFT_POOL, asdict(self.model.ref)])

    def answer(self, lines: Sequence[GapLine]) -> list[Opinion]:
        """Return for each gap the proposals with their share of the whole pool's likelihood: no weight of it was fitted."""
        asked = questions(lines)
        proposals = self.model.propose([one.context for one in asked], LEFT_POOL)
        return [
            self._answer(one.context, one.gap.id, [filling.text for filling in pool if filling.text.strip()])
            for one, pool in zip(asked, proposals, strict=True)
        ]

    def _answer(self, context: Context, gap_id: str, texts: Sequence[str]) -> Opinion:
        scored = [(text, score) for text, score in zip(texts, self.model.score(context, texts), strict=True) if math.isfinite(score)]
        shares = softmax([score for _, score in scored]) if scored else []
        ranked = sorted(((text, share) for (text, _), share in zip(scored, shares, strict=True)), key=lambda item: (-item[1], item[0]))
        return _opinion(gap_id, ranked[:MOST_CANDIDATES], self.model.ref)


def _opinion(gap_id: str, ranked: Sequence[tuple[str, float]], model: ModelRef) -> Opinion:
    kept, none = rounded([share for _, share in ranked])
    candidates = tuple(Candidate(text, share) for (text, _), share in zip(ranked, kept, strict=True))
    return Conjecture(gap_id, candidates, none, model, ("", ""))


def lexicon_hash(lexicon: Lexicon) -> str:
    """Return the hash of all words with their counts."""
    return sha256_of("\n".join(f"{word}\t{count}" for word, count in lexicon.counts.items()).encode())


def baselines(lexicon: Lexicon, models: Path | None = None) -> tuple[Asker, ...]:
    """Return what every model is compared with; raises DependencyMissing if one of them is not installed or was never trained."""
    return (
        FrequentWords(lexicon),
        WithEvidence(load_model("ngram", models=models), lexicon, by=NGRAM, models=models),
        Untrained(load_model("causal", models=models)),
    )


def key_of(asker: Asker, line: GapLine) -> str:
    """Return a hash of all that an answer depends on: the gap, and who is asked."""
    extent = None if line.extent is None else asdict(line.extent)
    gap = [asker.identity, line.id, line.before, line.after, extent, line.engine_reading, line.channel]
    return hashlib.sha256(json.dumps(gap).encode()).hexdigest()[:16]
