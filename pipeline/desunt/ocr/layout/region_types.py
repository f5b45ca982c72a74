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

from desunt.ocr.layout.address_patterns import NUMBER, SALUTES, is_date_line, opens_address
from desunt.ocr.layout.page_geometry import Shape, Sheet
from desunt.ocr.layout.type_metrics import Type, across, middle
from desunt.record.document import RegionKind

MARKINGS = ("SECRET", "TOPSECRET", "CONFIDENTIAL", "RESTRICTED", "UNCLASSIFIED")
# Words of stamps that archives and registries put on papers of others.
STAMPED = re.compile(
    r"\bRELEASE[D]? UNDER\b|\bASSASSINATION RECORDS\b|HISTORICAL.REVIEW|\bRETURN TO CIA\b|\bBACKGROUND USE\b|\bDO NOT REPRODUCE\b"
    r"|\bDECLASSIFIED\b|^RECEIVED\b|^FILED\b",
    re.IGNORECASE,
)
# A stamp's letters are so much wider than the page's type, or its lines so much steeper than the page's (in pixels down for one right).
WIDER, STEEPER = 1.15, 0.05
# Of a stamp nothing else is known by, so much taller and so much wider.
LARGE, MUCH_WIDER = 1.6, 1.35
# Further lines of a stamp are so much taller, too.
TALLER = 1.25
# Where on a page: a letterhead stands in so much of its top, a page number in so much, a footer below so much of it.
TOP, HEAD, BOTTOM = 0.25, 0.15, 0.93
CAPITALS, CENTRED = 0.75, 0.12
# Printed type is so much narrower or wider than the typewriter's; nothing is known of lines read with less confidence.
PITCH, READ = (0.85, 1.18), 0.5
# An address is of lines so much narrower than the text block, of so many at most, and so many heights apart at most.
NARROWER, MOST_LINES, NEAR = 0.8, 8, 3.5
# Cells are so many letters apart and no longer than so many; so many lines of them, aligned within so many letters, are a table.
CELL_GAP, CELL_LENGTH, TABLE_LINES, ALIGNED = 4.5, 34, 3, 2.5
# Notes stand so many letters to the right of the text, whose lines end here and there, or to the left; a footer so many heights below.
FREE, FREE_LEFT = 1.5, 0.5
# Of so many characters, and so many letters left of the text.
COUNTED, HANGING = 3, 5.0


def kinds_of(regions: Sequence[Sequence[Shape]], sheet: Sheet) -> list[list[RegionKind]]:
    """Return the kind of every line of every region of a page, `regions` in reading order."""
    tables = [_in_tables(lines, sheet.type) for lines in regions]
    flat = [line for lines in regions for line in lines]
    kinds: list[RegionKind] = [
        "table" if in_table else _own_kind(line, sheet) for line, in_table in zip(flat, (x for found in tables for x in found), strict=True)
    ]
    for step in (_with_forms, _with_stamps, _with_addresses, _with_letterhead):
        kinds = step(flat, kinds, sheet)
    rest = iter(kinds)
    return [[next(rest) for _ in lines] for lines in regions]


def _own_kind(line: Shape, sheet: Sheet) -> RegionKind:
    """Return what a line is by itself."""
    block = sheet.block
    if block is not None and line.box.bottom > block.top and line.box.top < block.bottom:
        return _beside(line, sheet)
    if _is_marking(line, sheet):
        return "stamp"
    if sheet.is_ruled(line.box):
        return "form"
    if _is_stamp(line, sheet):
        return "stamp"
    if block is None:
        return "body"
    if line.box.bottom <= block.top:
        return _above(line, sheet)
    return "footer" if _is_footer(line, sheet) else "body"


def _is_marking(line: Shape, sheet: Sheet) -> bool:
    """Tell whether a line is a stamped or printed classification: the page's own typewriter writes narrower letters."""
    letters = "".join(filter(str.isalnum, line.text)).upper()
    return _is_wider(line, sheet) and any(Levenshtein.distance(letters, marking) <= 1 for marking in MARKINGS)


def _is_stamp(line: Shape, sheet: Sheet) -> bool:
    if sum(map(str.isalnum, line.text)) < 4:
        return False
    tall = median(word.box.height for word in line.words) >= LARGE * sheet.type.height
    large = tall and _is_wider(line, sheet, MUCH_WIDER) and _capitals(line) >= CAPITALS and not _is_centred(line, sheet)
    return large or _is_steep(line, sheet) or bool(STAMPED.search(line.text))


def _is_steep(line: Shape, sheet: Sheet) -> bool:
    """Tell whether a line slopes more than any typed one, by its baseline and by its words: stray ink beside a line tilts either alone."""
    lettered = [word for word in line.words if sum(map(str.isalpha, word.text)) >= 2]
    if len(lettered) < 2 or line.box.width < 6 * sheet.type.letter:
        return False
    first, last = lettered[0], lettered[-1]
    tilt = (middle(last.box) - middle(first.box)) / max(1.0, across(last) - across(first))
    return min(abs(tilt), abs(line.tilt)) >= STEEPER and tilt * line.tilt > 0


def _is_wider(line: Shape, sheet: Sheet, much: float = WIDER) -> bool:
    return line.box.width / max(1, len(line.text)) >= much * sheet.type.letter


def _beside(line: Shape, sheet: Sheet) -> RegionKind:
    """Return what a line at the height of the text block is: a note if it stands outside the block, a cell if that is ruled."""
    block, letter = sheet.block, sheet.type.letter
    assert block is not None
    outside = line.box.right < block.left - FREE_LEFT * letter or line.box.left > block.right + FREE * letter
    # The number or letter of a paragraph hangs just left of it.
    hanging = len(line.text) <= COUNTED and 0 <= block.left - line.box.right <= HANGING * letter
    return "body" if not outside or hanging else "form" if sheet.is_ruled(line.box) else "margin"


def _above(line: Shape, sheet: Sheet) -> RegionKind:
    if _is_number(line, sheet) and line.box.bottom <= HEAD * sheet.height:
        return "margin"
    if is_date_line(line.text):
        return "addressee"
    is_top = line.box.bottom <= TOP * sheet.height and not sheet.in_capitals
    in_capitals = _capitals(line) >= CAPITALS and sum(map(str.isalpha, line.text)) >= 6
    return "letterhead" if is_top and in_capitals and _is_centred(line, sheet) else "body"


def _is_footer(line: Shape, sheet: Sheet) -> bool:
    block = sheet.block
    assert block is not None
    apart = line.box.top - block.bottom >= FREE * sheet.type.height
    numbered = _is_number(line, sheet) and _is_centred(line, sheet)
    return apart and len(line.words) <= 4 and (line.box.top >= BOTTOM * sheet.height or numbered)


def _is_number(line: Shape, sheet: Sheet) -> bool:
    """Tell whether a line is a number in the page's type: pens number pages too."""
    usual = all(0.6 * sheet.type.height <= word.box.height <= 1.5 * sheet.type.height for word in line.words if word.text.isalnum())
    return usual and bool(NUMBER.match(line.text))


def _is_centred(line: Shape, sheet: Sheet) -> bool:
    block = sheet.block
    middle = (block.left + block.right) / 2 if block else sheet.width / 2
    return abs((line.box.left + line.box.right) / 2 - middle) <= CENTRED * (block.width if block else sheet.width)


def _capitals(line: Shape) -> float:
    letters = [char for char in line.text if char.isalpha()]
    return sum(map(str.isupper, letters)) / len(letters) if letters else 0.0


def _with_forms(lines: Sequence[Shape], kinds: list[RegionKind], sheet: Sheet) -> list[RegionKind]:
    """Return the kinds with the rest of a form's head or foot: what stands among its ruled cells is of the form, ruled or not."""
    cells = [line.box for line, kind in zip(lines, kinds, strict=True) if kind == "form" and _is_outside(line, sheet)]
    reach = NEAR * sheet.type.height
    return [
        "form"
        if kind in ("body", "letterhead", "addressee")
        and _is_outside(line, sheet)
        and any(cell.top - reach <= line.box.top and line.box.bottom <= cell.bottom + reach for cell in cells)
        else kind
        for line, kind in zip(lines, kinds, strict=True)
    ]


def _with_stamps(lines: Sequence[Shape], kinds: list[RegionKind], sheet: Sheet) -> list[RegionKind]:
    """Return the kinds with the rest of stamps of several lines: what stands right above or below a stamp's line, as tall or as steep."""
    found = [line for line, kind in zip(lines, kinds, strict=True) if kind == "stamp" and _is_outside(line, sheet)]
    stamps = [line for line in found if STAMPED.search(line.text) or _is_steep(line, sheet)]
    joined = [
        kind == "body"
        and _is_outside(line, sheet)
        and any(_is_below(line, stamp, sheet) or _is_below(stamp, line, sheet) for stamp in stamps)
        for line, kind in zip(lines, kinds, strict=True)
    ]
    return ["stamp" if is_joined else kind for is_joined, kind in zip(joined, kinds, strict=True)]


def _is_below(line: Shape, above: Shape, sheet: Sheet) -> bool:
    """Tell whether a line of other type than the page's stands right below another."""
    tall = min(median(word.box.height for word in one.words) for one in (line, above)) >= TALLER * sheet.type.height
    shared = min(line.box.right, above.box.right) - max(line.box.left, above.box.left)
    near = 0 < line.box.bottom - above.box.bottom <= NEAR * sheet.type.height
    return near and 2 * shared > min(line.box.width, above.box.width) and tall


def _with_addresses(lines: Sequence[Shape], kinds: list[RegionKind], sheet: Sheet) -> list[RegionKind]:
    """Return the kinds with addresses: short lines outside the text block, from what opens an address on, or up to a salutation."""
    kinds, running = list(kinds), False
    for place, line in enumerate(lines):
        opens = opens_address(line.text) and _is_outside(line, sheet)
        running = opens or (running and _goes_on(lines[place - 1], line, sheet))
        if running and kinds[place] == "body":
            kinds[place] = "addressee"
    for place, line in enumerate(lines):
        if SALUTES.match(line.text) and _is_outside(line, sheet):
            for before in range(place - 1, max(-1, place - 1 - MOST_LINES), -1):
                if kinds[before] not in ("body", "addressee") or not _goes_on(lines[before], lines[before + 1], sheet, ends=True):
                    break
                kinds[before] = "addressee"
    return kinds


def _with_letterhead(lines: Sequence[Shape], kinds: list[RegionKind], sheet: Sheet) -> list[RegionKind]:
    """Return the kinds with the rest of a letterhead: in a letter's printed type above its date and address, where all of one stands."""
    pairs = list(zip(lines, kinds, strict=True))
    addressed = min((line.box.top for line, kind in pairs if kind == "addressee" or SALUTES.match(line.text)), default=sheet.height)
    letter = any(SALUTES.match(line.text) or (kind == "addressee" and is_date_line(line.text)) for line, kind in pairs)
    end = min(addressed, TOP * sheet.height) if letter else 0.0
    heads: list[RegionKind] = []
    for line, kind in pairs:
        printed = kind == "body" and line.box.top < end and _is_printed(line, sheet)
        heads.append("letterhead" if printed else "body" if kind == "letterhead" and line.box.top > addressed else kind)
    return heads


def _is_printed(line: Shape, sheet: Sheet) -> bool:
    """Tell whether a line is in type that is narrower or wider than the page's, and was read for all that."""
    pitch = line.box.width / len(line.text) / sheet.type.letter
    sure = median(word.confidence for word in line.words) >= READ
    return sure and sum(map(str.isalpha, line.text)) >= 5 and not PITCH[0] <= pitch <= PITCH[1]


def _is_outside(line: Shape, sheet: Sheet) -> bool:
    block = sheet.block
    return block is not None and (line.box.bottom <= block.top + sheet.type.height or line.box.top >= block.bottom)


def _goes_on(above: Shape, line: Shape, sheet: Sheet, *, ends: bool = False) -> bool:
    """Tell whether both lines may be of one address: close below each other, short, outside the text block; `ends`: the lower ends it."""
    other = above if ends else line
    near = -sheet.type.height <= line.box.top - above.box.bottom <= NEAR * sheet.type.height
    short = sheet.block is not None and other.box.width <= NARROWER * sheet.block.width
    return near and short and _is_outside(other, sheet) and not SALUTES.match(other.text)


def _in_tables(lines: Sequence[Shape], size: Type) -> list[bool]:
    """Return which lines are of runs whose cells stand below each other."""
    cells, inside = [_cells(line, size) for line in lines], [False] * len(lines)
    run: list[int] = []
    for place, row in enumerate([*cells, []]):
        if len(row) > 1 and (not run or _aligned(cells[run[-1]], row, size)):
            run.append(place)
            continue
        if len(run) >= TABLE_LINES:
            for member in run:
                inside[member] = True
        run = [place] if len(row) > 1 else []
    return inside


def _cells(line: Shape, size: Type) -> list[int]:
    """Return where the cells of a line begin, in pixels; a single one where it is running text."""
    starts, length = [line.words[0].box.left], len(line.words[0].text)
    for one, other in pairwise(line.words):
        if other.box.left - one.box.right >= CELL_GAP * size.letter:
            starts.append(other.box.left)
            length = 0
        length += len(other.text) + 1
        if length > CELL_LENGTH:
            return [line.box.left]
    return starts


def _aligned(above: Sequence[int], below: Sequence[int], size: Type) -> bool:
    """Tell whether a cell but the first begins where one of the line above does."""
    return any(abs(one - other) <= ALIGNED * size.letter for one in above[1:] for other in below[1:])
