"""Whom the gaps of a page are put to when recovery is measured: desunt as it runs, and what a spelling corrector would offer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

from desunt.__version__ import __version__
from desunt.evaluate.conjectures.systems import NGRAM, WithEvidence, lexicon_hash
from desunt.lm.lexicon import Lexicon, bare
from desunt.record.document import Document, Page
from desunt.restore.error_model import near
from desunt.run.workflow import FILLED, conjecture, lexicon_of, model_of
from desunt.settings import Settings

MODEL, NEAREST = "desunt", "nearest words"
MOST = 20
# Words so many letters longer or shorter are looked through.
ASIDE = 3


class PageAsker(Protocol):
    """Propose texts for the gaps of a page, by gap id, the best first; `identity` changes with whatever changes an answer."""

    @property
    def by(self) -> str: ...

    @property
    def identity(self) -> str: ...

    def propose(self, page: Page) -> dict[str, tuple[str, ...]]: ...


class AsRun:
    """The model of the settings with all evidence, as `desunt run` asks it: refusals keep their ranked candidates."""

    def __init__(self, by: str, settings: Settings) -> None:
        self._by, self.settings = by, settings

    @property
    def by(self) -> str:
        return self._by

    @cached_property
    def identity(self) -> str:
        return WithEvidence(model_of(self.settings), lexicon_of(self.settings), models=self.settings.models).identity

    def propose(self, page: Page) -> dict[str, tuple[str, ...]]:
        opinions, _ = conjecture(Document("page", "", (), (page,)), self.settings)
        return {gap_id: tuple(one.text for one in opinion.candidates[:MOST]) for gap_id, opinion in opinions.items()}


class NearestWords:
    """The lexicon's nearest words by edits, the more frequent first among equals, in the letter case of the reading.

    A word that is known stays first, a word with a digit is left alone, of a reading of several words each has its own list: the k-th
    candidate holds the k-th word of each.
    """

    by = NEAREST

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    @cached_property
    def identity(self) -> str:
        return json.dumps([__version__, NEAREST, lexicon_hash(self.lexicon)])

    def propose(self, page: Page) -> dict[str, tuple[str, ...]]:
        return {gap.id: self.nearest(gap.engine_reading) for gap in page.gaps if gap.reason in FILLED and gap.engine_reading}

    def nearest(self, reading: str) -> tuple[str, ...]:
        """Return at most twenty corrections of a reading."""
        lists = [self._corrections(bare(word)) for word in reading.split() if bare(word)]
        most = max(map(len, lists), default=0)
        return tuple(" ".join(words[min(place, len(words) - 1)] for words in lists) for place in range(most))

    def _corrections(self, word: str) -> Sequence[str]:
        if any(sign.isdigit() for sign in word):
            return (word,)
        words = self.lexicon.words_of(max(1, len(word) - ASIDE), len(word) + ASIDE, len(self.lexicon))
        return [_cased(one, word) for one in near(word, words, MOST)] or (word,)


def _cased(word: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word


def askers_of(settings: Settings, *, baselines: bool) -> tuple[PageAsker, ...]:
    """Return desunt, the nearest words and, with `baselines`, counted phrases in the place of the language model."""
    counted = (AsRun(NGRAM, settings.model_copy(update={"model": "ngram"})),) if baselines else ()
    return (AsRun(MODEL, settings), NearestWords(lexicon_of(settings)), *counted)
