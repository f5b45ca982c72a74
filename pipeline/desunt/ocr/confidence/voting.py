"""A second engine reads again what the first is in doubt about; of two readings the likelier one stands.

This is recogniser output voting by word (ROVER, Fiscus 1997), with fitted probabilities in place of votes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from desunt.lm.char_ngrams import char_trigrams
from desunt.lm.lexicon import Lexicon
from desunt.ocr.confidence.comparison_features import ComparisonContext, WordPair, primary_features, secondary_features
from desunt.ocr.confidence.legibility import FeatureMatrix, Legibility
from desunt.ocr.engines import EngineWord, OcrResult
from desunt.ocr.engines.line_images import Pixels, RecognizedWord, TextQuad, TextReader, crop, quad_around
from desunt.ocr.layout.type_metrics import TypeMetrics
from desunt.ocr.preprocessing.filters import gaussian_blur
from desunt.record.document import Box

# The words that stand at a place.
Winner: TypeAlias = tuple[EngineWord, ...]
# Words surer than this are not read again: of the misread ones fewer than 1 in 100 are so sure on degraded pages, 15 on clean ones.
REREAD_BELOW_LEGIBILITY = 0.99
# Room round a word in its line image, in heights of its box: at its sides, above and below. No box counts as higher than
# `MAX_BOX_HEIGHTS`, in heights of the type.
SIDE_ROOM_HEIGHTS, VERTICAL_ROOM_HEIGHTS, MAX_BOX_HEIGHTS = 0.25, 0.12, 2.0
MIN_ROOM_PIXELS = 2.0
# A blur in heights of the type, and in pixels, that gives bilevel letters the soft edges the second engine knows.
BLUR_HEIGHTS, MIN_BLUR_PIXELS = 1 / 30, 0.5
# How much likelier the second's reading must be to stand in the place of the first's.
MIN_LEAD = 0.05


@dataclass(frozen=True, slots=True)
class SecondPass:
    """What a second engine reads a page with: its grey pixels (height, width), softened, the engine, the type, and what scores words."""

    page: Pixels
    reader: TextReader
    metrics: TypeMetrics
    lexicon: Lexicon
    legibility: Legibility


@dataclass(frozen=True, slots=True)
class CombinedResult:
    """A result of two engines, and where the second one detected text."""

    result: OcrResult
    quads: tuple[TextQuad, ...]


def soften_for_reader(page: Pixels, metrics: TypeMetrics) -> Pixels:
    """Return the grey page as the second engine gets it."""
    return gaussian_blur(page, BLUR_HEIGHTS * metrics.height + MIN_BLUR_PIXELS)


def combine(result: OcrResult, features: FeatureMatrix, second_pass: SecondPass) -> tuple[CombinedResult, ComparisonContext]:
    """Return the result with each word as the likelier engine has it, and what the second's words tell about the page.

    The words carry their legibility by the first engine alone; `features` are theirs (words, features), see `word_features`. Words that it
    is sure of are not read again.
    """
    quads = second_pass.reader.detect(second_pass.page, second_pass.metrics.height)
    places = [place for place, word in enumerate(result.words) if word.legibility < REREAD_BELOW_LEGIBILITY]
    pairs = read_again([result.words[place] for place in places], quads, second_pass)
    context = comparison_context(pairs, second_pass)
    return CombinedResult(combine_pairs(result, features, places, pairs, second_pass), quads), context


def combine_pairs(
    result: OcrResult, features: FeatureMatrix, places: Sequence[int], pairs: Sequence[WordPair], second_pass: SecondPass
) -> OcrResult:
    """Return the result with those words that were read twice, at `places`, as the likelier engine has them."""
    if not pairs:
        return result
    context, legibility = comparison_context(pairs, second_pass), second_pass.legibility
    rows = [[*features[place], *primary_features(pair, context)] for place, pair in zip(places, pairs, strict=True)]
    primary = legibility.primary.predict_proba(np.array(rows)).tolist()
    secondary = legibility.secondary.predict_proba(np.array([secondary_features(pair, context) for pair in pairs])).tolist()
    choices = (_choose(*scored_pair, second_pass) for scored_pair in zip(pairs, primary, secondary, strict=True))
    return _with_winners(result, dict(zip(places, choices, strict=True)))


def read_again(words: Sequence[EngineWord], quads: Sequence[TextQuad], second_pass: SecondPass) -> list[WordPair]:
    """Return the words with what the second engine recognises there; `quads` are where it detected text."""
    recognized = second_pass.reader.recognize([crop(second_pass.page, _quad_of(word.box, second_pass)) for word in words])
    detected = (any(quad.holds(word.box) for quad in quads) for word in words)
    return [WordPair(*pair) for pair in zip(words, recognized, detected, strict=True)]


def comparison_context(pairs: Sequence[WordPair], second_pass: SecondPass) -> ComparisonContext:
    """Return what holds for the whole page; one word more counts as read differently, so that a single one tells little."""
    agreement = sum(pair.agrees for pair in pairs) / (len(pairs) + 1)
    return ComparisonContext(second_pass.lexicon, char_trigrams(second_pass.lexicon), second_pass.metrics.advance, agreement)


def _quad_of(box: Box, second_pass: SecondPass) -> TextQuad:
    height = min(box.height, MAX_BOX_HEIGHTS * second_pass.metrics.height)
    rooms = (max(MIN_ROOM_PIXELS, round(share * height)) for share in (SIDE_ROOM_HEIGHTS, VERTICAL_ROOM_HEIGHTS))
    return quad_around(box, *rooms)


def _choose(pair: WordPair, primary: float, secondary: float, second_pass: SecondPass) -> Winner:
    """Return the words that stand at a place; what the other engine read is kept with a single word."""
    first = replace(pair.word, legibility=primary)
    if pair.agrees or not pair.recognized or secondary <= primary + MIN_LEAD:
        return (replace(first, alternatives=() if pair.agrees or not pair.recognized else (pair.second_text,)),)
    quad = _quad_of(pair.word.box, second_pass)
    words = [word for recognized in pair.recognized if (word := _engine_word(recognized, quad, pair.word.box, second_pass))]
    if len(words) != len(pair.recognized):
        return (first,)
    words = [replace(word, legibility=secondary) for word in words]
    return (replace(words[0], alternatives=(pair.word.text,)), *words[1:])


def _engine_word(recognized: RecognizedWord, quad: TextQuad, box: Box, second_pass: SecondPass) -> EngineWord | None:
    """Return a word of the second engine, as high as the first's box; None if it lies beyond the page."""
    height, width = second_pass.page.shape
    clipped = quad.part(recognized.start, recognized.end).clipped(width, height)
    if clipped is None:
        return None
    return EngineWord(
        recognized.text, Box(clipped.left, box.top, clipped.right, box.bottom), recognized.min_confidence, second_pass.reader.name
    )


def _with_winners(result: OcrResult, winners: dict[int, Winner]) -> OcrResult:
    places = iter(range(len(result.words)))
    lines = (
        replace(line, words=tuple(winner for word in line.words for winner in winners.get(next(places), (word,)))) for line in result.lines
    )
    return replace(result, lines=tuple(lines))
