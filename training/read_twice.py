"""What both engines read on scans with ground truth, and which of it is right: the rows that `fit_legibility.py` fits."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from desunt.lm.char_ngrams import char_trigrams
from desunt.lm.lexicon import load_lexicon
from desunt.ocr.confidence.comparison_features import WordPair, primary_features, recovered_features, secondary_features
from desunt.ocr.confidence.legibility import FeatureMatrix, Legibility, LogisticRegression
from desunt.ocr.confidence.recovered_text import RecoveredSpan, insert_spans, read_missed_spans
from desunt.ocr.confidence.voting import (
    REREAD_BELOW_LEGIBILITY,
    CombinedResult,
    SecondPass,
    combine_pairs,
    comparison_context,
    read_again,
    soften_for_reader,
)
from desunt.ocr.confidence.word_features import word_features
from desunt.ocr.engines import EngineWord, OcrResult
from desunt.ocr.engines.line_images import TextQuad
from desunt.ocr.engines.ppocr import PPOcr
from desunt.ocr.layout import resegment_lines
from desunt.ocr.layout.type_metrics import TypeMetrics, measure_type
from desunt.ocr.preprocessing.filters import to_gray
from desunt.ocr.preprocessing.ink import binarize
from desunt.record.document import Box
from training.word_labels import Verdicts, label_words

Pixels: TypeAlias = NDArray[np.uint8]
# FeatureMatrix, a row a word, and 1 for each word that is right, 0 for one that is not.
Rows: TypeAlias = tuple[FeatureMatrix, FeatureMatrix]
# Reads a scan: its pixels, its resolution and the first engine's result.
FirstReader: TypeAlias = Callable[[Path], tuple[Pixels, int, OcrResult]]
# Words of this confidence show what the type of the page looks like.
TRUSTED_CONFIDENCE = 0.8
# Stands where a model is not fitted yet.
UNFITTED = LogisticRegression((), (), (), (), 0.0)
# More than any word can have: whatever stands there makes room.
OVERRIDING_LEGIBILITY = 1e6


@dataclass(frozen=True, slots=True)
class LabelledPage:
    """One page: the first engine's result with its features, all its words read again, and which words of each are right."""

    path: Path
    pixels: Pixels
    metrics: TypeMetrics
    result: OcrResult
    features: FeatureMatrix
    quads: tuple[TextQuad, ...]
    pairs: tuple[WordPair, ...]
    first_right: Verdicts
    second_right: Verdicts


@dataclass(frozen=True, slots=True)
class CombinedPage:
    """A page after the vote, and what the second engine reads where then no word stands.

    `rows` are the features of its words, a span each; `right` has a verdict for each of them.
    """

    page: LabelledPage
    combined: CombinedResult
    spans: tuple[RecoveredSpan, ...]
    rows: tuple[FeatureMatrix, ...]
    right: tuple[Verdicts, ...]


def read_both(path: Path, reader: FirstReader, cache: Path | None) -> LabelledPage:
    """Read a page with both engines; what was read is kept between runs in the cache folder (a pickle of our own, read by nobody else)."""
    cached = cache / f"{path.parent.name}-{path.stem}.pickle" if cache else None
    if cached is None:
        return _read_both(path, *reader(path))
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_bytes(pickle.dumps(_read_both(path, *reader(path))))
    page: LabelledPage = pickle.loads(cached.read_bytes())
    return page


def _read_both(path: Path, pixels: Pixels, dpi: int, result: OcrResult) -> LabelledPage:
    lexicon, ink = load_lexicon(), binarize(pixels)
    result = resegment_lines(result, ink.mask)
    features = word_features(result, ink, lexicon, char_trigrams(lexicon))
    metrics = measure_type([word for word in result.words if word.confidence >= TRUSTED_CONFIDENCE], dpi)
    second_pass = _second_pass(pixels, metrics)
    quads = second_pass.reader.detect(second_pass.page, metrics.height)
    pairs = tuple(read_again(result.words, quads, second_pass))
    second, places = _with_texts(result, {place: pair.second_text.split() for place, pair in enumerate(pairs) if pair.recognized})
    first_right, second_right = label_words(result, path), _join_verdicts(label_words(second, path), places)
    return LabelledPage(path, to_gray(pixels), metrics, result, features, quads, pairs, first_right, second_right)


def _second_pass(pixels: Pixels, metrics: TypeMetrics, legibility: Legibility | None = None) -> SecondPass:
    page = soften_for_reader(to_gray(pixels), metrics)
    return SecondPass(
        page, PPOcr(), metrics, load_lexicon(), legibility or Legibility(UNFITTED, UNFITTED, UNFITTED, UNFITTED, threshold_read=0.0)
    )


def _with_texts(result: OcrResult, texts: Mapping[int, Sequence[str]]) -> tuple[OcrResult, list[int]]:
    """Return the result with other words at some places, side by side in the old one's box, and the place of each of its words."""
    place, lines, places = 0, [], list[int]()
    for line in result.lines:
        words: list[EngineWord] = []
        for word in line.words:
            other = texts.get(place)
            words += [word] if other is None else _side_by_side(word, other)
            places += [place] * (1 if other is None else len(other))
            place += 1
        lines.append(replace(line, words=tuple(words)))
    return replace(result, lines=tuple(lines)), places


def _side_by_side(word: EngineWord, texts: Sequence[str]) -> list[EngineWord]:
    left, width = word.box.left, max(word.box.width, len(texts))
    edges = [left + width * n // len(texts) for n in range(len(texts) + 1)]
    boxes = (Box(start, word.box.top, end, word.box.bottom) for start, end in pairwise(edges))
    return [EngineWord(text, box, word.confidence) for text, box in zip(texts, boxes, strict=True)]


def _join_verdicts(verdicts: Verdicts, places: Sequence[int]) -> Verdicts:
    """Return one verdict a place: right if all its words are, None if the ground truth is silent about one."""
    by_place: dict[int, Verdicts] = {}
    for place, verdict in zip(places, verdicts, strict=True):
        by_place.setdefault(place, []).append(verdict)
    return [None if None in by_place[place] else all(by_place[place]) for place in sorted(by_place)]


def single_rows(pages: Sequence[LabelledPage]) -> Rows:
    """Return features and truth of the first engine's words."""
    rows = [(row, right) for page in pages for row, right in zip(page.features, page.first_right, strict=True) if right is not None]
    return _rows(rows)


def comparison_rows(pages: Sequence[LabelledPage], single: LogisticRegression) -> tuple[Rows, Rows]:
    """Return features and truth of the first's and of the second's readings of the words that are in doubt by the model `single`."""
    primary: list[tuple[Sequence[float], bool]] = []
    secondary: list[tuple[Sequence[float], bool]] = []
    for page in pages:
        places, pairs = _doubtful_pairs(page, single)
        context = comparison_context(pairs, _second_pass(page.pixels[:1, :1], page.metrics))
        for place, pair in zip(places, pairs, strict=True):
            first_right, second_right = page.first_right[place], page.second_right[place]
            if first_right is not None:
                primary.append(([*page.features[place], *primary_features(pair, context)], first_right))
            if second_right is not None and pair.recognized:
                secondary.append((secondary_features(pair, context), second_right))
    return _rows(primary), _rows(secondary)


def _doubtful_pairs(page: LabelledPage, single: LogisticRegression) -> tuple[list[int], list[WordPair]]:
    """Return the places of the words that are read again, and both readings of them with their legibility by the model `single`."""
    legibility = single.predict_proba(page.features)
    places: list[int] = np.flatnonzero(legibility < REREAD_BELOW_LEGIBILITY).tolist()
    pairs = [page.pairs[place] for place in places]
    return places, [
        replace(pair, word=replace(pair.word, legibility=float(legibility[place]))) for place, pair in zip(places, pairs, strict=True)
    ]


def combine_page(page: LabelledPage, legibility: Legibility) -> CombinedPage:
    """Vote on a page and read what lies beyond its words; the model `recovered` need not be fitted yet."""
    second_pass = _second_pass(page.pixels, page.metrics, legibility)
    places, pairs = _doubtful_pairs(page, legibility.single)
    result = page.result.with_legibility(legibility.single.predict_proba(page.features).tolist())
    combined = CombinedResult(combine_pairs(result, page.features, places, pairs, second_pass), page.quads)
    spans = read_missed_spans(combined, second_pass)
    # Put in before all others, to see what they are worth.
    forced = insert_spans(combined.result, spans, [[OVERRIDING_LEGIBILITY] * len(span.words) for span in spans])
    verdicts = label_words(forced, page.path) if forced.words else []
    verdict_of = {(word.text, word.box): verdict for word, verdict in zip(forced.words, verdicts, strict=True)}
    context = comparison_context(pairs, second_pass)
    rows = (
        np.array([recovered_features(span.recognized, place, span.quad.width, context) for place in range(len(span.recognized))])
        for span in spans
    )
    right = ([verdict_of.get((word.text, word.box)) for word in span.words] for span in spans)
    return CombinedPage(page, combined, spans, tuple(rows), tuple(right))


def recovered_rows(pages: Sequence[CombinedPage]) -> Rows:
    """Return features and truth of the words that only the second engine read."""
    return _rows([(row, right) for page in pages for row, right in _recovered_words(page) if right is not None])


def _recovered_words(page: CombinedPage) -> Iterator[tuple[FeatureMatrix, bool | None]]:
    for rows, verdicts in zip(page.rows, page.right, strict=True):
        yield from zip(rows, verdicts, strict=True)


def standing_words(page: CombinedPage, recovered: LogisticRegression) -> tuple[Verdicts, list[float]]:
    """Return for the words that stand at last whether they are right, and their legibility."""
    result = insert_spans(page.combined.result, page.spans, [recovered.predict_proba(rows).tolist() for rows in page.rows])
    return label_words(result, page.page.path) if result.words else [], [word.legibility for word in result.words]


def _rows(rows: Sequence[tuple[Sequence[float] | FeatureMatrix, bool]]) -> Rows:
    return np.array([row for row, _ in rows], float), np.array([right for _, right in rows], float)
