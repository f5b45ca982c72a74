"""Which words of a page are not read: a page's reading and its ink -> facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from desunt.gaps.build_page import build_page
from desunt.gaps.detectors.blots import find_blots
from desunt.gaps.detectors.faded_text import find_faded_text
from desunt.gaps.detectors.handwriting import is_handwritten
from desunt.gaps.detectors.missed_text import find_missed_text
from desunt.gaps.detectors.redactions import find_redactions, is_struck_out, is_under_marker
from desunt.gaps.lines import DraftGap, DraftLine, DraftToken, PageContext, box_with_missing_letters, draft_lines, insert_gaps, text_bands
from desunt.gaps.placement import insert_line, merge_unread_lines, place_missed_text
from desunt.gaps.regions import classify_regions, group_into_regions
from desunt.ocr.confidence.legibility import LEGIBLE, TRUSTED_LEGIBILITY
from desunt.ocr.engines import EngineWord
from desunt.ocr.read_page import PageReading
from desunt.record.document import Box, Extent, Page, Reason

# Fewer words do not show where the text of a page stands, nor how dark its type is.
MIN_TRUSTED_WORDS = 20
# Share of the words at each side of a page that may be a stamp or a margin note; and of a page of hardly a word, that is its margin.
OUTLIER_SHARE, MARGIN_SHARE = 0.01, 0.05
# In heights of the type: a stamp's letters are higher, and bold, and no marker's work.
MAX_MARKED_HEIGHT = 1.5
# A redaction that covers the height of more lines is in none.
MAX_REDACTION_LINE_HEIGHTS = 2.5
UNREAD_REASONS: frozenset[Reason] = frozenset({"low-confidence", "illegible"})


def find_gaps(reading: PageReading, *, document_id: str, number: int, vouch: float, read: float) -> Page:
    """Turn a reading into a page: words with their legibility, and gaps where text stands and is not read.

    Words below `read` become gaps that keep the reading as evidence; a word that is vouched for never does. No reading is kept of what is
    withheld, be it ever so sure.
    """
    context = _page_context(reading, min(read, vouch))
    lines = draft_lines(reading.result.lines, context)
    lines = _with_blots(lines, context)
    lines = _with_faded_text(lines, context)
    lines = lines or [_handwritten_line(box, block) for block, box in enumerate(reading.handwriting, start=1)]
    lines = _with_missed_text(lines, reading.result.words, context)
    # What lies under a pen first: writing keeps what the engine made of it.
    lines = _with_handwriting(_with_words_under_marker(lines, context), context)
    lines = _with_redactions(lines, context)
    regions = group_into_regions(lines, context.metrics)
    typed_regions = classify_regions(regions, context.metrics, reading.ink.mask, keep_regions=reading.keep_lines)
    return build_page(typed_regions, reading.image, document_id=document_id, number=number, engine=reading.result.engine)


def _page_context(reading: PageReading, min_legibility: float) -> PageContext:
    legible = [word.box for word in reading.result.words if word.legibility >= LEGIBLE]
    redactions = find_redactions(reading.ink, reading.result.lines, legible, reading.metrics)
    return PageContext(min_legibility, reading.metrics, redactions, reading.ink, _text_area(reading))


def _text_area(reading: PageReading) -> Box:
    """Return where text may be expected: round what was read well, or the page within its margins if hardly anything was."""
    height, width = reading.ink.mask.shape
    boxes = [word.box for word in reading.result.words if word.legibility >= TRUSTED_LEGIBILITY and word.letters >= 2]
    if len(boxes) < MIN_TRUSTED_WORDS:
        inner = 1 - MARGIN_SHARE
        return Box(int(MARGIN_SHARE * width), int(MARGIN_SHARE * height), int(inner * width) + 1, int(inner * height) + 1)
    left, top = (int(np.quantile(sides, OUTLIER_SHARE)) for sides in ([box.left for box in boxes], [box.top for box in boxes]))
    right, bottom = (int(np.quantile(sides, 1 - OUTLIER_SHARE)) for sides in ([box.right for box in boxes], [box.bottom for box in boxes]))
    side, above = round(2 * reading.metrics.advance), round(2 * reading.metrics.height)
    return Box(left - side, top - above, right + side, bottom + above)


def _with_blots(lines: list[DraftLine], context: PageContext) -> list[DraftLine]:
    """Return the lines with gaps where ink stands between their words."""
    blots = find_blots(context.ink, text_bands(lines, context), _covered_boxes(lines, context), context.metrics)
    return [insert_gaps(line, [_blot_gap(box, context) for box in boxes]) for line, boxes in zip(lines, blots, strict=True)]


def _blot_gap(box: Box, context: PageContext) -> DraftGap:
    return context.gap(box, "withheld" if is_struck_out(context.ink, box, context.metrics) else "illegible")


def _with_faded_text(lines: list[DraftLine], context: PageContext) -> list[DraftLine]:
    """Return the lines with gaps where type has faded to a shadow."""
    faded = find_faded_text(context.ink, text_bands(lines, context), _covered_boxes(lines, context), context.metrics)
    return [insert_gaps(line, [context.gap(box, "illegible") for box in boxes]) for line, boxes in zip(lines, faded, strict=True)]


def _covered_boxes(lines: Sequence[DraftLine], context: PageContext) -> list[Box]:
    """Return the boxes of what is accounted for already."""
    return [*context.redactions, *(token.box for line in lines for token in line.tokens)]


def _handwritten_line(box: Box, block: int) -> DraftLine:
    """Return the line of a block of handwriting: how many lines it has is not known, and nothing of it is read."""
    return DraftLine((DraftGap(box, Extent("line", 1, None), "handwriting"),), block)


def _with_missed_text(lines: list[DraftLine], engine_words: Sequence[EngineWord], context: PageContext) -> list[DraftLine]:
    """Return the lines with gaps where text stands that is in no word and no gap yet, whatever the engine made of it."""
    covered = [*context.redactions, *(box_with_missing_letters(token, context.metrics) for line in lines for token in line.tokens)]
    trusted = [word.box for line in lines for word in line.words if word.legibility >= TRUSTED_LEGIBILITY]
    for missed in find_missed_text(context.ink, covered, trusted, [word.box for word in engine_words], context.metrics):
        lines = place_missed_text(lines, missed, context)
    return merge_unread_lines(lines, context.metrics)


def _with_handwriting(lines: Sequence[DraftLine], context: PageContext) -> list[DraftLine]:
    """Return the lines with those gaps that hold a pen's marks labelled so; what the engine made of them stays as evidence."""
    return [replace(line, tokens=tuple(_labelled_if_handwritten(token, context) for token in line.tokens)) for line in lines]


def _labelled_if_handwritten(token: DraftToken, context: PageContext) -> DraftToken:
    if isinstance(token, DraftGap) and token.reason in UNREAD_REASONS and is_handwritten(context.ink, token.box, context.metrics):
        return replace(token, reason="handwriting")
    return token


def _with_words_under_marker(lines: list[DraftLine], context: PageContext) -> list[DraftLine]:
    """Return the lines with what lies under a censor's pen withheld, whatever an engine read through it; neighbours are one gap."""
    trusted = (word for line in lines for word in line.words if word.legibility >= TRUSTED_LEGIBILITY and word.letters > 2)
    ink_shares = [context.ink.share(word.box) for word in trusted]
    if len(ink_shares) < MIN_TRUSTED_WORDS:
        return lines
    usual_share = float(np.median(ink_shares))

    def is_marked(token: DraftToken) -> bool:
        if isinstance(token, EngineWord):
            is_candidate = token.box.height <= MAX_MARKED_HEIGHT * context.metrics.height
        else:
            is_candidate = token.reason in UNREAD_REASONS
        return is_candidate and is_under_marker(context.ink, token.box, usual_share, context.metrics)

    return [replace(line, tokens=tuple(_merge_marked(line.tokens, is_marked, context))) for line in lines]


def _merge_marked(tokens: Sequence[DraftToken], is_marked: Callable[[DraftToken], bool], context: PageContext) -> Iterator[DraftToken]:
    """Yield the tokens with each run of marked ones as one gap."""
    for marked, run in groupby(tokens, key=is_marked):
        if marked:
            yield context.gap(Box.enclosing(token.box for token in run), "withheld")
        else:
            yield from run


def _with_redactions(lines: list[DraftLine], context: PageContext) -> list[DraftLine]:
    """Return the lines with the redactions in them; one that covers several lines, or lies in none, is a line of its own."""
    for box in context.redactions:
        gap = context.gap(box, "withheld")
        place = _line_at(box, lines)
        if place is None:
            lines = insert_line(lines, gap, unread=False)
        else:
            lines = [*lines[:place], insert_gaps(lines[place], [gap]), *lines[place + 1 :]]
    return lines


def _line_at(box: Box, lines: Sequence[DraftLine]) -> int | None:
    """Return the line whose middle the box covers, the nearest to the side if several; None if it covers the height of many."""
    boxes = {place: line.box for place, line in enumerate(lines) if not line.unread}
    covered = {place: line for place, line in boxes.items() if 2 * box.top <= line.top + line.bottom <= 2 * box.bottom}
    if not covered or box.height > MAX_REDACTION_LINE_HEIGHTS * next(iter(covered.values())).height:
        return None

    def distance(place: int) -> tuple[int, int]:
        line = covered[place]
        return max(0, line.left - box.right, box.left - line.right), abs(line.top + line.bottom - box.top - box.bottom)

    return min(covered, key=distance)
