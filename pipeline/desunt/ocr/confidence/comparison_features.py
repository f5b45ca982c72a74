"""What a second engine tells about a word: the evidence of the later three models of `legibility`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Indel

from desunt.lm.char_ngrams import Spelling
from desunt.lm.lexicon import Lexicon, bare
from desunt.ocr.engines import EngineWord
from desunt.ocr.engines.line_images import Seen


@dataclass(frozen=True, slots=True)
class Page:
    """What holds for a whole page: the words that count as known, how they are spelt, the width of a letter in pixels, which share of
    the words that were read twice both engines read alike."""

    lexicon: Lexicon
    spelling: Spelling
    letter: float
    agreement: float = 0.0


@dataclass(frozen=True, slots=True)
class Twice:
    """A word that both engines read: `chance` is the first's legibility alone, `found` says that the second's detector saw text there."""

    word: EngineWord
    chance: float
    seen: tuple[Seen, ...]
    found: bool

    @property
    def text(self) -> str:
        return " ".join(one.text for one in self.seen)

    @property
    def alike(self) -> bool:
        """Say whether both read the same letters; outer punctuation and blanks do not count."""
        own = _letters(self.word.text)
        return bool(own) and own == _letters(self.text)


def first_features(twice: Twice, page: Page) -> list[float]:
    """Return what speaks for the first engine's reading; the order is that of `legibility.FIRST_FEATURES`."""
    own, other, alike = _text(twice.word.text, page), _text(twice.text, page), float(twice.alike)
    apart, worst, usual = 1 - alike, _worst(twice.seen), _usual(twice.seen)
    return [
        alike, _near(twice), _same_but_case(twice), worst, usual, alike * worst, apart * worst, alike * own.known, apart * own.known,
        apart * other.known, apart * other.frequency, apart * other.spelling, apart * (other.known - own.known), apart * own.digits,
        apart * float(twice.word.text.isupper()), float(len(twice.seen) > 1), float(not twice.seen), float(twice.found), page.agreement,
    ]  # fmt: skip


def second_features(twice: Twice, page: Page) -> list[float]:
    """Return what speaks for the second engine's reading; the order is that of `legibility.SECOND_FEATURES`."""
    own, other = _text(twice.word.text, page), _text(twice.text, page)
    return [
        *_alone(twice.seen, twice.text, twice.word.box.width, page), _near(twice), _same_but_case(twice), _logit(twice.chance),
        _logit(twice.word.confidence), own.known, other.known - own.known, float(len(twice.seen) > 1), float(twice.found),
    ]  # fmt: skip


def unseen_features(seen: Sequence[Seen], place: int, width: float, page: Page) -> list[float]:
    """Return what speaks for a word that only the second engine read, the one at `place` in its strip of `width` pixels.

    The order is that of `legibility.UNSEEN_FEATURES`.
    """
    one, rest = seen[place], [*seen[:place], *seen[place + 1 :]]
    texts = [_text(other.text, page) for other in rest]
    known = sum(text.known for text in texts) / len(texts) if texts else 0.0
    alone = _alone([one], one.text, (one.end - one.start) * width, page)
    return [*alone, _usual(rest), known, math.log(len(seen))]


@dataclass(frozen=True, slots=True)
class _Text:
    known: float
    frequency: float
    spelling: float
    digits: float


def _text(text: str, page: Page) -> _Text:
    """Return what the lexicon and the letters tell about one or several words: known is a share, the frequency that of the rarest."""
    words = [bare(word) for word in text.split()] or [""]
    counts = [page.lexicon.count(word) for word in words]
    fit = sum(page.spelling.fit(word) for word in words) / len(words)
    known = sum(count > 0 for count in counts) / len(counts)
    return _Text(known, math.log10(min(counts) + 1), fit, sum(char.isdigit() for char in text) / max(1, len(text)))


def _alone(seen: Sequence[Seen], text: str, width: float, page: Page) -> list[float]:
    """Return what the second engine's reading tells by itself; `width` is that of its ink in pixels."""
    told, core = _text(text, page), bare(text)
    letters = sum(char.isalpha() for char in text) / max(1, len(text))
    drawn = abs(math.log(max(width, 1.0) / (page.letter * max(1, len(text)))))
    worst = _worst(seen)
    return [
        worst, _usual(seen), worst * told.known, told.known, told.frequency, told.spelling, told.spelling * (1 - told.known),
        math.log(len(core) + 1), float(len(core) <= 1), told.digits, letters, float(len(core) > 1 and core.isupper()), drawn,
        page.agreement,
    ]  # fmt: skip


def _near(twice: Twice) -> float:
    return float(Indel.normalized_similarity(_letters(twice.word.text), _letters(twice.text)))


def _same_but_case(twice: Twice) -> float:
    return float(_letters(twice.word.text).casefold() == _letters(twice.text).casefold())


def _letters(text: str) -> str:
    return bare(text).replace(" ", "") or text


def _worst(seen: Sequence[Seen]) -> float:
    return _logit(min((one.worst for one in seen), default=0.0))


def _usual(seen: Sequence[Seen]) -> float:
    return _logit(sum(one.usual for one in seen) / len(seen) if seen else 0.0)


def _logit(share: float) -> float:
    bounded = min(max(share, 0.01), 0.995)
    return math.log(bounded / (1.0 - bounded))
