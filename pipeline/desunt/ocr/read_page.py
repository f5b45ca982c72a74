"""The way of one page from pixels to words, on one screen: best variant, engine, ink, lines, second engine, legibility."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from desunt.__version__ import __version__
from desunt.lm.char_ngrams import char_trigrams
from desunt.lm.lexicon import Lexicon
from desunt.ocr.confidence.legibility import LEGIBLE, TRUSTED_LEGIBILITY, Legibility, load_legibility
from desunt.ocr.confidence.recovered_text import combine_and_recover
from desunt.ocr.confidence.voting import SecondPass, soften_for_reader
from desunt.ocr.confidence.word_features import word_features
from desunt.ocr.engines import OcrResult, SidecarEngine, load_engine
from desunt.ocr.engines.line_images import TextReader, load_second_engine
from desunt.ocr.layout import resegment_lines
from desunt.ocr.layout.handwriting_blocks import find_handwriting_blocks
from desunt.ocr.layout.type_metrics import TypeMetrics, measure_type
from desunt.ocr.preprocessing import BestResult, read_as_is, read_best
from desunt.ocr.preprocessing.blot_removal import read_without_blots
from desunt.ocr.preprocessing.filters import to_gray
from desunt.ocr.preprocessing.ink import InkMask, binarize
from desunt.record.document import Box, ImageRef, Step
from desunt.scan import Scan
from desunt.settings import Settings


@dataclass(frozen=True, slots=True)
class PageReading:
    """What was read of a page, in pixels of its scan, and what is needed to find where it was not read.

    The words of `result` carry their legibility; below `threshold_read`, which was fitted, a word is better a gap. `handwriting` holds the
    blocks of a page on which no word is legible. With `keep_lines` lines and blocks stand as a person or another program made them. `steps`
    say how the page was read, `second_step` by which second engine.
    """

    image: ImageRef
    ink: InkMask
    result: OcrResult
    metrics: TypeMetrics
    threshold_read: float
    handwriting: tuple[Box, ...] = ()
    keep_lines: bool = False
    steps: tuple[Step, ...] = ()
    second_step: Step | None = None


def read_page(scan: Scan, path: Path, page: int, *, number: int, settings: Settings, lexicon: Lexicon) -> PageReading:
    """Read a page of a scan with the engines that the settings name; `page` counts in its file, `number` in its document, both from 1."""
    engine, legibility, second = load_engine(settings.engine, settings.lang), load_legibility(), None
    if isinstance(engine, SidecarEngine):
        # What a person or another program read, beside the scan, is not voted on.
        best = read_as_is(scan.pixels, scan.image.dpi, engine.for_page(path, page), settings.page_seconds, lexicon)
    else:
        best = read_best(scan.pixels, scan.image.dpi, engine, settings.page_seconds, lexicon)
        best = read_without_blots(best, scan.pixels, engine, settings.page_seconds, lexicon)
        second = load_second_engine(settings.second, settings.lang)
    reading = score_page(scan, best.result, lexicon, legibility, second=second, keep_lines=isinstance(engine, SidecarEngine))
    second_step = Step("second", second.version(), (("engine", second.name),)) if second else None
    return replace(reading, steps=_steps(best, number, settings.lang), second_step=second_step)


def score_page(
    scan: Scan, result: OcrResult, lexicon: Lexicon, legibility: Legibility, *, second: TextReader | None = None, keep_lines: bool = False
) -> PageReading:
    """Return an engine's result, its boxes in pixels of the scan, with the legibility of its words.

    `second` reads again what the first engine is not sure of, and what it passed over; of two readings the likelier one stands.
    """
    ink = binarize(scan.pixels)
    result = result if keep_lines else resegment_lines(result, ink.mask)
    features = word_features(result, ink, lexicon, char_trigrams(lexicon))
    result = result.with_legibility(legibility.single.predict_proba(features).tolist())
    metrics = _metrics(result, scan.image.dpi)
    # A page of nothing but writing is located, not read: what a reader of type makes of it is nonsense.
    is_read = any(word.legibility >= LEGIBLE for word in _rounded(result).words)
    handwriting = () if is_read else find_handwriting_blocks(ink)
    if second and not handwriting:
        page = soften_for_reader(to_gray(scan.pixels), metrics)
        result = combine_and_recover(result, features, SecondPass(page, second, metrics, lexicon, legibility))
        metrics = _metrics(result, scan.image.dpi)
    return PageReading(scan.image, ink, _rounded(result), metrics, legibility.threshold_read, handwriting, keep_lines)


def _metrics(result: OcrResult, dpi: int) -> TypeMetrics:
    return measure_type([word for word in _rounded(result).words if word.legibility >= TRUSTED_LEGIBILITY], dpi)


def _rounded(result: OcrResult) -> OcrResult:
    """Return the result with legibility as records have it: what is decided by it can be told from the record."""
    return result.with_legibility([round(word.legibility, 4) for word in result.words])


def _steps(best: BestResult, number: int, lang: str) -> tuple[Step, ...]:
    scores = "; ".join(f"{name} {score:.4f}" for name, score in best.scores)
    return (
        Step("cleanup", __version__, (("page", str(number)), ("variant", best.variant.name), ("tried", scores))),
        Step("ocr", best.result.version, (("engine", best.result.engine), ("lang", lang))),
    )
