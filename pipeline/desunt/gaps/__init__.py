"""Which words of a page are not read: an engine's reading and the page's pixels -> facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from desunt.gaps.detectors.blots import find_blots
from desunt.gaps.detectors.faded_text import find_faint
from desunt.gaps.detectors.handwriting import find_handwriting, looks_written
from desunt.gaps.detectors.missed_text import find_passed_over
from desunt.gaps.detectors.redactions import find_withheld, looks_covered, looks_marked
from desunt.gaps.lines import TRUSTED, Found, Judged, Row, Rules, bands, room_of, rows_of, with_gaps
from desunt.gaps.placement import joined, with_passed, with_row
from desunt.gaps.regions import regions_of, regions_with_kinds
from desunt.lm.char_ngrams import spelling_of
from desunt.lm.lexicon import Lexicon
from desunt.ocr.confidence.legibility import Legibility
from desunt.ocr.confidence.recovered_text import voted_reading
from desunt.ocr.confidence.voting import Look, softened
from desunt.ocr.confidence.word_features import word_features
from desunt.ocr.engines import EngineWord, Reading
from desunt.ocr.engines.line_images import StripReader
from desunt.ocr.layout import relined
from desunt.ocr.layout.pitch import Measure, around, estimate_pitch, measure
from desunt.ocr.preprocessing.filters import grey
from desunt.ocr.preprocessing.ink import Ink, find_ink
from desunt.record.document import Box, Extent, Gap, ImageRef, Line, Page, Reason, Region, RegionKind, Token, Word, stable_id

__all__ = ["estimate_pitch", "find_gaps"]

# Fewer words do not show where the text of a page stands; of more, so small a share at each side is a stamp or a margin note.
LEAST_WORDS = 20
OUTLIERS = 0.01
LEGIBLE = 0.6
LARGER = 1.5
UNREAD: frozenset[Reason] = frozenset({"low-confidence", "illegible"})
MOST_LINES = 2.5
MARGIN = 0.05


def find_gaps(
    image: ImageRef, pixels: NDArray[np.uint8], reading: Reading, *, document_id: str, number: int, vouch: float, read: float | None,
    lexicon: Lexicon, legibility: Legibility, second: StripReader | None = None, keep_lines: bool = False,
) -> Page:  # fmt: skip
    """Turn a reading into a page: words with their legibility, and gaps where text stands and is not read.

    `pixels` and the reading's boxes are those of the original scan. `second` reads again what the first engine is not sure of, and what
    it passed over; of two readings the likelier one stands. Words below `read` (the fitted threshold if None) become gaps that
    keep the reading as evidence; a word that is vouched for never does. No reading is kept of what is withheld, be it ever so sure. With
    `keep_lines` the reading's lines and blocks stay as they are, in their order: a person, or another program, made them.
    """
    least = min(legibility.threshold_read if read is None else read, vouch)
    ink = find_ink(pixels)
    reading = reading if keep_lines else relined(reading, ink.mask)
    features = word_features(reading, ink, lexicon, spelling_of(lexicon))
    judged = _judged(reading.words, legibility.alone(features).tolist())
    # A page of nothing but writing is located, not read: what a reader of type makes of it is nonsense.
    written = () if any(item.legibility >= LEGIBLE for item in judged) else find_handwriting(ink)
    if second and not written:
        size = _size(judged, image.dpi)
        look = Look(softened(grey(pixels), size.height), second, size.height, size.letter, lexicon, legibility)
        reading, chances = voted_reading(reading, features, look)
        judged = _judged(reading.words, chances)
    size = _size(judged, image.dpi)
    legible = [item.box for item in judged if item.legibility >= LEGIBLE]
    rules = Rules(least, size, find_withheld(ink, reading.lines, legible, size), ink, _text_area(judged, ink, size))
    rows = rows_of(reading.lines, judged, rules)
    rows = _with_blots(rows, rules)
    rows = _with_faint(rows, rules)
    rows = rows or [_hand(box, block) for block, box in enumerate(written, start=1)]
    rows = _with_passed_over(rows, reading, rules)
    # What lies under a pen first: writing keeps what the engine made of it.
    rows = [_with_hand(row, rules) for row in _with_marked(rows, rules)]
    rows = _with_withheld(rows, rules)
    regions = regions_with_kinds(regions_of(rows, size), size, ink.mask, keep=keep_lines)
    return _page(regions, image, document_id, number, reading.engine)


def _judged(words: Sequence[EngineWord], chances: Sequence[float]) -> list[Judged]:
    return [Judged(word, round(chance, 4)) for word, chance in zip(words, chances, strict=True)]


def _size(judged: Sequence[Judged], dpi: int) -> Measure:
    return measure([item.word for item in judged if item.legibility >= TRUSTED], dpi)


def _with_blots(rows: list[Row], rules: Rules) -> list[Row]:
    """Return the rows with gaps where ink stands between their words."""
    taken = [*rules.withheld, *(token.box for row in rows for token in row.tokens)]
    blots = find_blots(rules.ink, bands(rows, rules), taken, rules.size)
    return [with_gaps(row, [_blot(box, rules) for box in boxes]) for row, boxes in zip(rows, blots, strict=True)]


def _with_faint(rows: list[Row], rules: Rules) -> list[Row]:
    """Return the rows with gaps where type has faded to a shadow."""
    taken = [*rules.withheld, *(token.box for row in rows for token in row.tokens)]
    faint = find_faint(rules.ink, bands(rows, rules), taken, rules.size)
    gaps = [[Found(box, rules.size.letters(box.width), "illegible") for box in boxes] for boxes in faint]
    return [with_gaps(row, found) for row, found in zip(rows, gaps, strict=True)]


def _blot(box: Box, rules: Rules) -> Found:
    reason: Reason = "withheld" if looks_covered(rules.ink, box, rules.size) else "illegible"
    return Found(box, rules.size.letters(box.width), reason)


def _with_passed_over(rows: list[Row], reading: Reading, rules: Rules) -> list[Row]:
    """Return the rows with gaps where text stands that is in no word and no gap yet, whatever the engine made of it."""
    covered = [*rules.withheld, *(room_of(token, rules.size) for row in rows for token in row.tokens)]
    read = [item.box for row in rows for item in row.words if item.legibility >= TRUSTED]
    seen = [word.box for word in reading.words]
    for place in find_passed_over(rules.ink, covered, read, seen, rules.size):
        rows = with_passed(rows, place, rules.area, rules.size)
    return joined(rows, rules.size)


def _with_hand(row: Row, rules: Rules) -> Row:
    """Return the row with those gaps that hold a pen's marks labelled so; what the engine made of them stays as evidence."""
    return replace(row, tokens=tuple(_hand_or(token, rules) if isinstance(token, Found) else token for token in row.tokens))


def _hand_or(gap: Found, rules: Rules) -> Found:
    written = gap.reason in UNREAD and looks_written(rules.ink, gap.box, rules.size)
    return replace(gap, reason="handwriting") if written else gap


def _with_marked(rows: list[Row], rules: Rules) -> list[Row]:
    """Return the rows with what lies under a censor's pen withheld, whatever an engine read through it; neighbours are one gap."""
    shares = [rules.ink.share(word.box) for row in rows for word in row.words if word.legibility >= TRUSTED and word.letters > 2]
    if len(shares) < LEAST_WORDS:
        return rows
    usual = float(np.median(shares))

    def hidden(token: Judged | Found) -> bool:
        # A stamp's letters are larger, and bold.
        concerns = token.box.height <= LARGER * rules.size.height if isinstance(token, Judged) else token.reason in UNREAD
        return concerns and looks_marked(rules.ink, token.box, usual, rules.size)

    return [replace(row, tokens=tuple(_withheld_as_one(row.tokens, hidden, rules))) for row in rows]


def _withheld_as_one(tokens: Sequence[Judged | Found], hidden: Callable[[Judged | Found], bool], rules: Rules) -> Iterator[Judged | Found]:
    for covered, run in groupby(tokens, key=hidden):
        if not covered:
            yield from run
        else:
            box = around([token.box for token in run])
            yield Found(box, rules.size.letters(box.width), "withheld")


def _hand(box: Box, block: int) -> Row:
    """Return the row of a block of handwriting: how many lines it has is not known, and nothing of it is read."""
    return Row((Found(box, Extent("line", 1, None), "handwriting"),), block)


def _text_area(judged: Sequence[Judged], ink: Ink, size: Measure) -> Box:
    """Return where text may be expected: round what was read well, or the page within its margins if hardly anything was."""
    height, width = ink.mask.shape
    boxes = [item.box for item in judged if item.legibility >= TRUSTED and item.letters >= 2]
    if len(boxes) < LEAST_WORDS:
        return Box(int(MARGIN * width), int(MARGIN * height), int((1 - MARGIN) * width) + 1, int((1 - MARGIN) * height) + 1)
    left, top = (int(np.quantile([side[k] for side in map(_sides, boxes)], OUTLIERS)) for k in (0, 1))
    right, bottom = (int(np.quantile([side[k] for side in map(_sides, boxes)], 1 - OUTLIERS)) for k in (2, 3))
    across, down = round(2 * size.letter), round(2 * size.height)
    return Box(left - across, top - down, right + across, bottom + down)


def _sides(box: Box) -> tuple[int, int, int, int]:
    return box.left, box.top, box.right, box.bottom


def _with_withheld(rows: list[Row], rules: Rules) -> list[Row]:
    """Return the rows with the redactions in their lines; one that covers several lines, or lies in none, is a row of its own."""
    for box in rules.withheld:
        gap = Found(box, rules.size.letters(box.width), "withheld")
        place = _line_of(box, rows)
        rows = with_row(rows, gap, unread=False) if place is None else [*rows[:place], with_gaps(rows[place], [gap]), *rows[place + 1 :]]
    return rows


def _line_of(box: Box, rows: Sequence[Row]) -> int | None:
    """Return the row whose middle the box covers, the nearest to the side if several; None if it covers the height of many."""
    covered = [place for place, row in enumerate(rows) if not row.unread and 2 * box.top <= row.box.top + row.box.bottom <= 2 * box.bottom]
    if not covered or box.height > MOST_LINES * rows[covered[0]].box.height:
        return None
    middle = box.top + box.bottom
    apart = {place: max(0, rows[place].box.left - box.right, box.left - rows[place].box.right) for place in covered}
    return min(covered, key=lambda place: (apart[place], abs(rows[place].box.top + rows[place].box.bottom - middle)))


def _page(stacks: Sequence[tuple[RegionKind, Sequence[Row]]], image: ImageRef, document_id: str, number: int, engine: str) -> Page:
    """Return the page: regions of lines of tokens, with ids that depend on the document and the place alone."""
    regions: list[Region] = []
    name = _naming(document_id, image)
    for kind, members in stacks:
        lines = tuple(_line(row, name, engine) for row in members)
        box = around([row.box for row in members])
        regions.append(Region(f"p{number}-r{len(regions) + 1}", kind, box, lines))
    shares = [item.legibility for _, rows in stacks for row in rows for item in row.words]
    return Page(number, image, tuple(regions), round(fmean(shares), 4) if shares else None)


def _naming(document_id: str, image: ImageRef) -> Callable[[str, Box], str]:
    """Return what names the places of a page, each once.

    An editor's correction is kept by a word's id, an edit by a line's: numbers in reading order would give both to other documents, and
    after another reading to other words.
    """
    given: Counter[tuple[str, Box]] = Counter()

    def name(kind: str, box: Box) -> str:
        given[kind, box] += 1
        again = (given[kind, box],) if given[kind, box] > 1 else ()
        return stable_id(document_id, image.sha256, image.frame, *((kind,) if kind else ()), *_sides(box), *again)

    return name


def _line(row: Row, name: Callable[[str, Box], str], engine: str) -> Line:
    last = len(row.tokens) - 1
    tokens: list[Token] = []
    for place, token in enumerate(row.tokens):
        if isinstance(token, Judged):
            word, chance = token.word, token.legibility
            who, confidence = word.engine or engine, round(word.confidence, 4)
            tokens.append(Word(name("word", word.box), word.text, word.box, who, confidence, chance, other_readings=word.others))
        else:
            # Whether the next line goes on where a gap at the end of a line stops, nobody can know.
            tokens.append(_gap(token, name("", token.box), continues=None if place == last else False))
    return Line(name("line", row.box), row.box, tuple(tokens), row.baseline)


def _gap(found: Found, name: str, *, continues: bool | None) -> Gap:
    read = found.engine_reading
    return Gap(name, found.box, found.extent, found.reason, read, continues=continues, other_readings=found.other_readings)
