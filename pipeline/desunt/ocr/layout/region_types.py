"""What each line of a page is: running text, letterhead, address, stamp, form, table, footer, or a note in the margin.

Evidence is the place on the page, the size and slope of the type, capitals, alignment, rules, and words that open addresses. Where it does
not decide a line is `body`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from rapidfuzz.distance import Levenshtein

from desunt.ocr.layout.address_patterns import PAGE_NUMBER, SALUTATION, is_date_line, opens_address
from desunt.ocr.layout.page_geometry import LayoutLine, PageGeometry
from desunt.ocr.layout.type_metrics import TypeMetrics, center_x, center_y
from desunt.record.document import RegionKind

CLASSIFICATION_MARKINGS = ("SECRET", "TOPSECRET", "CONFIDENTIAL", "RESTRICTED", "UNCLASSIFIED")
# Words of stamps that archives and registries put on papers of others.
STAMP_PHRASE = re.compile(
    r"\bRELEASE[D]? UNDER\b|\bASSASSINATION RECORDS\b|HISTORICAL.REVIEW|\bRETURN TO CIA\b|\bBACKGROUND USE\b|\bDO NOT REPRODUCE\b"
    r"|\bDECLASSIFIED\b|^RECEIVED\b|^FILED\b",
    re.IGNORECASE,
)
# A stamp's letters are wider than the page's type by this ratio, or its lines steeper than this (in pixels down for one right).
MIN_STAMP_WIDTH_RATIO, MIN_STAMP_SLOPE = 1.15, 0.05
# A shorter line shows no slope; fewer letters are no stamp.
MIN_SLOPE_LETTERS, MIN_STAMP_LETTERS = 6, 4
# A stamp that nothing else shows is taller and wider than the type by these ratios; its further lines are taller, too.
MIN_LARGE_HEIGHTS, MIN_LARGE_WIDTH_RATIO, MIN_STAMP_LINE_HEIGHTS = 1.6, 1.35, 1.25
# Where on a page, as shares of its height from the top: a letterhead or a page number ends above, a footer begins below.
LETTERHEAD_TOP_SHARE, NUMBER_TOP_SHARE, FOOTER_TOP_SHARE = 0.25, 0.15, 0.93
# A line is in capitals by this share of its letters, a letterhead has some; it is centred if it is no farther off, as a share of the
# text block's width.
MIN_CAPITALS_SHARE, MIN_LETTERHEAD_LETTERS, MAX_OFF_CENTRE_SHARE = 0.75, 6, 0.12
# A page number is about as high as the type.
NUMBER_HEIGHTS = (0.6, 1.5)
# The width of a letter against the typewriter's: printed type is narrower or wider. Nothing is known of lines of fewer letters, or read
# with less confidence.
TYPEWRITTEN_WIDTH_RATIO, MIN_PRINTED_LETTERS, MIN_CONFIDENCE = (0.85, 1.18), 5, 0.5
# An address is of lines no wider, as a share of the text block's width, and of no more lines above a salutation.
MAX_ADDRESS_WIDTH_SHARE, MAX_ADDRESS_LINES = 0.8, 8
# Lines of one form, stamp or address stand no farther apart.
MAX_LINE_DISTANCE_HEIGHTS = 3.5
# Cells of a table stand this far apart, and are no longer; some lines of them, one below the other, are a table.
MIN_CELL_GAP_LETTERS, MAX_CELL_CHARACTERS, MIN_TABLE_LINES, MAX_CELL_OFFSET_LETTERS = 4.5, 34, 3, 2.5
# Notes stand so far to the right of the text, whose lines end here and there, or to the left.
MIN_RIGHT_DISTANCE_LETTERS, MIN_LEFT_DISTANCE_LETTERS = 1.5, 0.5
# The number or letter of a paragraph is no longer, and hangs no farther left of the text.
MAX_NUMBER_CHARACTERS, MAX_HANGING_LETTERS = 3, 5.0
# A footer is so far below the text, and of no more words.
MIN_FOOTER_DISTANCE_HEIGHTS, MAX_FOOTER_WORDS = 1.5, 4


def classify_lines(regions: Sequence[Sequence[LayoutLine]], page: PageGeometry) -> list[list[RegionKind]]:
    """Return the kind of every line of every region of a page, `regions` in reading order."""
    flat = [line for lines in regions for line in lines]
    in_table = [in_table for lines in regions for in_table in _are_in_tables(lines, page.metrics)]
    kinds: list[RegionKind] = ["table" if tabular else _kind_alone(line, page) for line, tabular in zip(flat, in_table, strict=True)]
    for step in (_with_forms, _with_stamps, _with_addresses, _with_letterhead):
        kinds = step(flat, kinds, page)
    rest = iter(kinds)
    return [[next(rest) for _ in lines] for lines in regions]


def _kind_alone(line: LayoutLine, page: PageGeometry) -> RegionKind:
    """Return what a line is by itself."""
    block = page.block
    if block is not None and line.box.bottom > block.top and line.box.top < block.bottom:
        return _kind_beside(line, page)
    if _is_classification_marking(line, page):
        return "stamp"
    if page.is_ruled(line.box):
        return "form"
    if _is_stamp(line, page):
        return "stamp"
    if block is None:
        return "body"
    if line.box.bottom <= block.top:
        return _kind_above(line, page)
    return "footer" if _is_footer(line, page) else "body"


def _is_classification_marking(line: LayoutLine, page: PageGeometry) -> bool:
    """Tell whether a line is a stamped or printed classification: the page's own typewriter writes narrower letters."""
    letters = "".join(filter(str.isalnum, line.text)).upper()
    return _is_wider(line, page) and any(Levenshtein.distance(letters, marking) <= 1 for marking in CLASSIFICATION_MARKINGS)


def _is_stamp(line: LayoutLine, page: PageGeometry) -> bool:
    if sum(map(str.isalnum, line.text)) < MIN_STAMP_LETTERS:
        return False
    tall = median(word.box.height for word in line.words) >= MIN_LARGE_HEIGHTS * page.metrics.height
    large = (
        tall
        and _is_wider(line, page, MIN_LARGE_WIDTH_RATIO)
        and _capitals_share(line) >= MIN_CAPITALS_SHARE
        and not _is_centred(line, page)
    )
    return large or _is_steep(line, page) or bool(STAMP_PHRASE.search(line.text))


def _is_steep(line: LayoutLine, page: PageGeometry) -> bool:
    """Tell whether a line slopes more than any typed one, by its baseline and by its words: stray ink beside a line tilts either alone."""
    lettered = [word for word in line.words if sum(map(str.isalpha, word.text)) >= 2]
    if len(lettered) < 2 or line.box.width < MIN_SLOPE_LETTERS * page.metrics.advance:
        return False
    first, last = lettered[0], lettered[-1]
    tilt = (center_y(last.box) - center_y(first.box)) / max(1.0, center_x(last) - center_x(first))
    return min(abs(tilt), abs(line.tilt)) >= MIN_STAMP_SLOPE and tilt * line.tilt > 0


def _is_wider(line: LayoutLine, page: PageGeometry, ratio: float = MIN_STAMP_WIDTH_RATIO) -> bool:
    return line.box.width / max(1, len(line.text)) >= ratio * page.metrics.advance


def _kind_beside(line: LayoutLine, page: PageGeometry) -> RegionKind:
    """Return what a line at the height of the text block is: a note if it stands outside the block, a cell if that is ruled."""
    block, advance = page.block, page.metrics.advance
    assert block is not None
    is_left = line.box.right < block.left - MIN_LEFT_DISTANCE_LETTERS * advance
    is_outside = is_left or line.box.left > block.right + MIN_RIGHT_DISTANCE_LETTERS * advance
    is_hanging = len(line.text) <= MAX_NUMBER_CHARACTERS and 0 <= block.left - line.box.right <= MAX_HANGING_LETTERS * advance
    return "body" if not is_outside or is_hanging else "form" if page.is_ruled(line.box) else "margin"


def _kind_above(line: LayoutLine, page: PageGeometry) -> RegionKind:
    if _is_page_number(line, page) and line.box.bottom <= NUMBER_TOP_SHARE * page.height:
        return "margin"
    if is_date_line(line.text):
        return "addressee"
    is_top = line.box.bottom <= LETTERHEAD_TOP_SHARE * page.height and not page.in_capitals
    in_capitals = _capitals_share(line) >= MIN_CAPITALS_SHARE and sum(map(str.isalpha, line.text)) >= MIN_LETTERHEAD_LETTERS
    return "letterhead" if is_top and in_capitals and _is_centred(line, page) else "body"


def _is_footer(line: LayoutLine, page: PageGeometry) -> bool:
    assert page.block is not None
    is_apart = line.box.top - page.block.bottom >= MIN_FOOTER_DISTANCE_HEIGHTS * page.metrics.height
    is_numbered = _is_page_number(line, page) and _is_centred(line, page)
    return is_apart and len(line.words) <= MAX_FOOTER_WORDS and (line.box.top >= FOOTER_TOP_SHARE * page.height or is_numbered)


def _is_page_number(line: LayoutLine, page: PageGeometry) -> bool:
    """Tell whether a line is a number in the page's type: pens number pages too."""
    low, high = (share * page.metrics.height for share in NUMBER_HEIGHTS)
    is_usual = all(low <= word.box.height <= high for word in line.words if word.text.isalnum())
    return is_usual and bool(PAGE_NUMBER.match(line.text))


def _is_centred(line: LayoutLine, page: PageGeometry) -> bool:
    left, width = (page.block.left, page.block.width) if page.block else (0, page.width)
    return abs((line.box.left + line.box.right) / 2 - (left + width / 2)) <= MAX_OFF_CENTRE_SHARE * width


def _capitals_share(line: LayoutLine) -> float:
    letters = [char for char in line.text if char.isalpha()]
    return sum(map(str.isupper, letters)) / len(letters) if letters else 0.0


def _with_forms(lines: Sequence[LayoutLine], kinds: list[RegionKind], page: PageGeometry) -> list[RegionKind]:
    """Return the kinds with the rest of a form's head or foot: what stands among its ruled cells is of the form, ruled or not."""
    cells = [line.box for line, kind in zip(lines, kinds, strict=True) if kind == "form" and _is_outside(line, page)]
    reach = MAX_LINE_DISTANCE_HEIGHTS * page.metrics.height
    return [
        "form"
        if kind in ("body", "letterhead", "addressee")
        and _is_outside(line, page)
        and any(cell.top - reach <= line.box.top and line.box.bottom <= cell.bottom + reach for cell in cells)
        else kind
        for line, kind in zip(lines, kinds, strict=True)
    ]


def _with_stamps(lines: Sequence[LayoutLine], kinds: list[RegionKind], page: PageGeometry) -> list[RegionKind]:
    """Return the kinds with the rest of stamps of several lines: what stands right above or below a stamp's line, as tall or as steep."""
    stamp_lines = [line for line, kind in zip(lines, kinds, strict=True) if kind == "stamp" and _is_outside(line, page)]
    stamps = [line for line in stamp_lines if STAMP_PHRASE.search(line.text) or _is_steep(line, page)]
    joined = [
        kind == "body" and _is_outside(line, page) and any(_is_below(line, stamp, page) or _is_below(stamp, line, page) for stamp in stamps)
        for line, kind in zip(lines, kinds, strict=True)
    ]
    return ["stamp" if is_joined else kind for is_joined, kind in zip(joined, kinds, strict=True)]


def _is_below(line: LayoutLine, above: LayoutLine, page: PageGeometry) -> bool:
    """Tell whether a line of other type than the page's stands right below another."""
    tall = min(median(word.box.height for word in member.words) for member in (line, above)) >= MIN_STAMP_LINE_HEIGHTS * page.metrics.height
    shared = min(line.box.right, above.box.right) - max(line.box.left, above.box.left)
    near = 0 < line.box.bottom - above.box.bottom <= MAX_LINE_DISTANCE_HEIGHTS * page.metrics.height
    return near and 2 * shared > min(line.box.width, above.box.width) and tall


def _with_addresses(lines: Sequence[LayoutLine], kinds: list[RegionKind], page: PageGeometry) -> list[RegionKind]:
    """Return the kinds with addresses: short lines outside the text block, from what opens an address on, or up to a salutation."""
    kinds, running = list(kinds), False
    for place, line in enumerate(lines):
        opens = opens_address(line.text) and _is_outside(line, page)
        running = opens or (running and _continues_address(lines[place - 1], line, page))
        if running and kinds[place] == "body":
            kinds[place] = "addressee"
    for place, line in enumerate(lines):
        if SALUTATION.match(line.text) and _is_outside(line, page):
            for before in range(place - 1, max(-1, place - 1 - MAX_ADDRESS_LINES), -1):
                if kinds[before] not in ("body", "addressee") or not _continues_address(lines[before], lines[before + 1], page, ends=True):
                    break
                kinds[before] = "addressee"
    return kinds


def _with_letterhead(lines: Sequence[LayoutLine], kinds: list[RegionKind], page: PageGeometry) -> list[RegionKind]:
    """Return the kinds with the rest of a letterhead: in a letter's printed type above its date and address, where all of one stands."""
    typed_lines = list(zip(lines, kinds, strict=True))
    addressed = min((line.box.top for line, kind in typed_lines if kind == "addressee" or SALUTATION.match(line.text)), default=page.height)
    is_letter = any(SALUTATION.match(line.text) or (kind == "addressee" and is_date_line(line.text)) for line, kind in typed_lines)
    end = min(addressed, LETTERHEAD_TOP_SHARE * page.height) if is_letter else 0.0
    new_kinds: list[RegionKind] = []
    for line, kind in typed_lines:
        if kind == "body" and line.box.top < end and _is_printed(line, page):
            new_kinds.append("letterhead")
        else:
            new_kinds.append("body" if kind == "letterhead" and line.box.top > addressed else kind)
    return new_kinds


def _is_printed(line: LayoutLine, page: PageGeometry) -> bool:
    """Tell whether a line is in type that is narrower or wider than the page's, and was read for all that."""
    width_ratio = line.box.width / len(line.text) / page.metrics.advance
    is_read = median(word.confidence for word in line.words) >= MIN_CONFIDENCE
    is_lettered = sum(map(str.isalpha, line.text)) >= MIN_PRINTED_LETTERS
    return is_read and is_lettered and not TYPEWRITTEN_WIDTH_RATIO[0] <= width_ratio <= TYPEWRITTEN_WIDTH_RATIO[1]


def _is_outside(line: LayoutLine, page: PageGeometry) -> bool:
    block = page.block
    return block is not None and (line.box.bottom <= block.top + page.metrics.height or line.box.top >= block.bottom)


def _continues_address(above: LayoutLine, line: LayoutLine, page: PageGeometry, *, ends: bool = False) -> bool:
    """Tell whether both lines may be of one address: close below each other, short, outside the text block; `ends`: the lower ends it."""
    other = above if ends else line
    near = -page.metrics.height <= line.box.top - above.box.bottom <= MAX_LINE_DISTANCE_HEIGHTS * page.metrics.height
    short = page.block is not None and other.box.width <= MAX_ADDRESS_WIDTH_SHARE * page.block.width
    return near and short and _is_outside(other, page) and not SALUTATION.match(other.text)


def _are_in_tables(lines: Sequence[LayoutLine], metrics: TypeMetrics) -> list[bool]:
    """Return which lines are of runs whose cells stand below each other."""
    cells, inside = [_cells(line, metrics) for line in lines], [False] * len(lines)
    run: list[int] = []
    for place, row in enumerate([*cells, []]):
        if len(row) > 1 and (not run or _are_aligned(cells[run[-1]], row, metrics)):
            run.append(place)
            continue
        if len(run) >= MIN_TABLE_LINES:
            for member in run:
                inside[member] = True
        run = [place] if len(row) > 1 else []
    return inside


def _cells(line: LayoutLine, metrics: TypeMetrics) -> list[int]:
    """Return where the cells of a line begin, in pixels; a single one where it is running text."""
    starts, length = [line.words[0].box.left], len(line.words[0].text)
    for word, following in pairwise(line.words):
        if following.box.left - word.box.right >= MIN_CELL_GAP_LETTERS * metrics.advance:
            starts.append(following.box.left)
            length = 0
        length += len(following.text) + 1
        if length > MAX_CELL_CHARACTERS:
            return [line.box.left]
    return starts


def _are_aligned(above: Sequence[int], below: Sequence[int], metrics: TypeMetrics) -> bool:
    """Tell whether a cell but the first begins where one of the line above does."""
    return any(abs(x - other_x) <= MAX_CELL_OFFSET_LETTERS * metrics.advance for x in above[1:] for other_x in below[1:])
