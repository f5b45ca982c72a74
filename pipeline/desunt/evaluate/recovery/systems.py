"""The systems that are compared when recovery is measured: desunt as it runs, and what a spelling corrector would offer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import TypeAlias

from desunt.__version__ import __version__
from desunt.evaluate.conjectures.systems import NGRAM, FullSystem, lexicon_hash
from desunt.evaluate.system import System
from desunt.lm.lexicon import Lexicon, strip_punctuation
from desunt.record.document import Document, Page
from desunt.restore.error_model import nearest_words
from desunt.run.workflow import FILLABLE_REASONS, cached_gap_model, cached_lexicon, conjecture_gaps
from desunt.settings import Settings

DESUNT, NEAREST_WORDS = "desunt", "nearest words"
MAX_CANDIDATES = 20
# Words are looked through that are at most so much longer or shorter.
MAX_LENGTH_DIFFERENCE_LETTERS = 3


# Proposes texts for the gaps of a page, by gap id, the best first.
PageSystem: TypeAlias = System[Page, dict[str, tuple[str, ...]]]


class DefaultRun:
    """The model of the settings with all evidence, as `desunt run` asks it: refusals keep their ranked candidates."""

    def __init__(self, name: str, settings: Settings) -> None:
        self._name, self.settings = name, settings

    @property
    def name(self) -> str:
        return self._name

    @cached_property
    def cache_key(self) -> str:
        return FullSystem(cached_gap_model(self.settings), cached_lexicon(self.settings), models=self.settings.models).cache_key

    def answer(self, question: Page) -> dict[str, tuple[str, ...]]:
        opinions, _ = conjecture_gaps(Document("page", "", (), (question,)), self.settings)
        return {gap_id: tuple(candidate.text for candidate in opinion.candidates[:MAX_CANDIDATES]) for gap_id, opinion in opinions.items()}


class NearestWords:
    """The lexicon's nearest words by edits, the more frequent first among equals, in the letter case of the reading.

    A word that is known stays first, a word with a digit is left alone, of a reading of several words each has its own list: the k-th
    candidate holds the k-th word of each.
    """

    name = NEAREST_WORDS

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    @cached_property
    def cache_key(self) -> str:
        return json.dumps([__version__, NEAREST_WORDS, lexicon_hash(self.lexicon)])

    def answer(self, question: Page) -> dict[str, tuple[str, ...]]:
        return {gap.id: self.nearest(gap.engine_reading) for gap in question.gaps if gap.reason in FILLABLE_REASONS and gap.engine_reading}

    def nearest(self, reading: str) -> tuple[str, ...]:
        """Return at most twenty corrections of a reading."""
        lists = [self._corrections(strip_punctuation(word)) for word in reading.split() if strip_punctuation(word)]
        longest = max(map(len, lists), default=0)
        return tuple(" ".join(words[min(rank, len(words) - 1)] for words in lists) for rank in range(longest))

    def _corrections(self, word: str) -> Sequence[str]:
        if any(char.isdigit() for char in word):
            return (word,)
        shortest, longest = max(1, len(word) - MAX_LENGTH_DIFFERENCE_LETTERS), len(word) + MAX_LENGTH_DIFFERENCE_LETTERS
        words = self.lexicon.words_by_length(shortest, longest, len(self.lexicon))
        return [match_case(nearest, word) for nearest in nearest_words(word, words, MAX_CANDIDATES)] or (word,)


def match_case(word: str, like: str) -> str:
    """Return the word in the letter case of another."""
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word


def page_systems(settings: Settings, *, baselines: bool) -> tuple[PageSystem, ...]:
    """Return desunt, the nearest words and, with `baselines`, the n-gram model in the place of the language model."""
    ngram = (DefaultRun(NGRAM, settings.model_copy(update={"model": "ngram"})),) if baselines else ()
    return (DefaultRun(DESUNT, settings), NearestWords(cached_lexicon(settings)), *ngram)
