"""What a second engine tells about a word: the evidence of the last three models of `legibility`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Indel

from desunt.lm.char_ngrams import CharTrigrams
from desunt.lm.lexicon import Lexicon, strip_punctuation
from desunt.ocr.engines import EngineWord
from desunt.ocr.engines.line_images import RecognizedWord

# Surer no word counts, nor less sure: beyond, the logarithm of the odds says more than an engine knows.
MIN_CONFIDENCE, MAX_CONFIDENCE = 0.01, 0.995


@dataclass(frozen=True, slots=True)
class ComparisonContext:
    """What holds for a whole page: the words that count as known, how they are spelt, the advance of the type in pixels, and the
    `agreement`: which share of the words that were read twice both engines read alike."""

    lexicon: Lexicon
    trigrams: CharTrigrams
    advance: float
    agreement: float = 0.0


@dataclass(frozen=True, slots=True)
class WordPair:
    """The first engine's word, with its legibility by that engine alone, and what the second recognised there.

    `is_detected` says that the second's detector saw text there.
    """

    word: EngineWord
    recognized: tuple[RecognizedWord, ...]
    is_detected: bool

    @property
    def second_text(self) -> str:
        return " ".join(word.text for word in self.recognized)

    @property
    def agrees(self) -> bool:
        """Say whether both read the same letters; outer punctuation and blanks do not count."""
        letters = _letters(self.word.text)
        return bool(letters) and letters == _letters(self.second_text)


def primary_features(pair: WordPair, context: ComparisonContext) -> list[float]:
    """Return what speaks for the first engine's reading; the order is that of `legibility.COMPARISON_FEATURES`."""
    first, second, alike = _lexical(pair.word.text, context), _lexical(pair.second_text, context), float(pair.agrees)
    apart, worst, mean = 1 - alike, _min_confidence(pair.recognized), _mean_confidence(pair.recognized)
    return [
        alike, _similarity(pair), _equals_ignoring_case(pair), worst, mean, alike * worst, apart * worst, alike * first.known,
        apart * first.known, apart * second.known, apart * second.frequency, apart * second.spelling, apart * (second.known - first.known),
        apart * first.digits, apart * float(pair.word.text.isupper()), float(len(pair.recognized) > 1), float(not pair.recognized),
        float(pair.is_detected), context.agreement,
    ]  # fmt: skip


def secondary_features(pair: WordPair, context: ComparisonContext) -> list[float]:
    """Return what speaks for the second engine's reading; the order is that of `legibility.SECONDARY_FEATURES`."""
    first, second = _lexical(pair.word.text, context), _lexical(pair.second_text, context)
    return [
        *_recognizer_features(pair.recognized, pair.second_text, pair.word.box.width, context),
        _similarity(pair), _equals_ignoring_case(pair), _logit(pair.word.legibility), _logit(pair.word.confidence),
        first.known, second.known - first.known, float(len(pair.recognized) > 1), float(pair.is_detected),
    ]  # fmt: skip


def recovered_features(recognized: Sequence[RecognizedWord], place: int, width: float, context: ComparisonContext) -> list[float]:
    """Return what speaks for a word that only the second engine read, the one at `place` in a line image of `width` pixels.

    The order is that of `legibility.RECOVERED_FEATURES`.
    """
    word, rest = recognized[place], [*recognized[:place], *recognized[place + 1 :]]
    texts = [_lexical(other.text, context) for other in rest]
    known = sum(text.known for text in texts) / len(texts) if texts else 0.0
    single = _recognizer_features([word], word.text, (word.end - word.start) * width, context)
    return [*single, _mean_confidence(rest), known, math.log(len(recognized))]


@dataclass(frozen=True, slots=True)
class _Lexical:
    """What lexicon and letters tell about words: share of known ones, log10 of the rarest one's count, mean spelling, share of digits."""

    known: float
    frequency: float
    spelling: float
    digits: float


def _lexical(text: str, context: ComparisonContext) -> _Lexical:
    words = [strip_punctuation(word) for word in text.split()] or [""]
    counts = [context.lexicon.count(word) for word in words]
    spelling = sum(context.trigrams.mean_log_prob(word) for word in words) / len(words)
    known = sum(count > 0 for count in counts) / len(counts)
    return _Lexical(known, math.log10(min(counts) + 1), spelling, sum(char.isdigit() for char in text) / max(1, len(text)))


def _recognizer_features(recognized: Sequence[RecognizedWord], text: str, width: float, context: ComparisonContext) -> list[float]:
    """Return what the second engine's reading tells by itself; `width` is that of its ink in pixels."""
    lexical, core = _lexical(text, context), strip_punctuation(text)
    letters = sum(char.isalpha() for char in text) / max(1, len(text))
    width_ratio = abs(math.log(max(width, 1.0) / (context.advance * max(1, len(text)))))
    worst = _min_confidence(recognized)
    return [
        worst, _mean_confidence(recognized), worst * lexical.known, lexical.known, lexical.frequency, lexical.spelling,
        lexical.spelling * (1 - lexical.known), math.log(len(core) + 1), float(len(core) <= 1), lexical.digits, letters,
        float(len(core) > 1 and core.isupper()), width_ratio, context.agreement,
    ]  # fmt: skip


def _similarity(pair: WordPair) -> float:
    return float(Indel.normalized_similarity(_letters(pair.word.text), _letters(pair.second_text)))


def _equals_ignoring_case(pair: WordPair) -> float:
    return float(_letters(pair.word.text).casefold() == _letters(pair.second_text).casefold())


def _letters(text: str) -> str:
    return strip_punctuation(text).replace(" ", "") or text


def _min_confidence(recognized: Sequence[RecognizedWord]) -> float:
    return _logit(min((word.min_confidence for word in recognized), default=0.0))


def _mean_confidence(recognized: Sequence[RecognizedWord]) -> float:
    return _logit(sum(word.mean_confidence for word in recognized) / len(recognized) if recognized else 0.0)


def _logit(share: float) -> float:
    bounded = min(max(share, MIN_CONFIDENCE), MAX_CONFIDENCE)
    return math.log(bounded / (1.0 - bounded))
