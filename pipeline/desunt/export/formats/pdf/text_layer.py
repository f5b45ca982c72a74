"""The text layer of a scanned page: each word unseen over its ink, a line a line, so that programs read what the record says.

Programs that take text out of a PDF have only its geometry to go by. What `pdftotext -raw` does (Poppler, TextOutputDev: words of one line
differ by less than half the font size in height and run to the right; a space is a distance of more than 0.15 of it) is kept true here,
where the ink does not keep it by itself: narrow distances are widened, wide ones bridged, and lines of one height moved apart.
All lengths are in points, origin bottom left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

from desunt.export.formats.pdf.fonts import EM, UNSEEN_ADVANCE, FontCodes
from desunt.export.formats.pdf.writer import format_number
from desunt.record.document import Box, Line

# In shares of the font size: the least and the most distance between words, how far lines must differ in height to be two, and the same
# with room to spare; how much of the size lies below the baseline.
MIN_WORD_SPACE_EM, MAX_WORD_SPACE_EM, MIN_LINE_STEP_EM, DESCENT_EM = 0.3, 0.8, 0.5, 0.2
MIN_FONT_SIZE_PT, MAX_FONT_SIZE_PT = 1.0, 400.0


@dataclass(frozen=True, slots=True)
class PageTransform:
    """A PDF page over a scan: its size, and how many points a pixel of the original is."""

    width: float
    height: float
    scale: float


@dataclass(frozen=True, slots=True)
class TextRun:
    """A piece of text without white space, from `left` to `right` on the baseline `base`."""

    text: str
    left: float
    right: float
    base: float


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of the text layer."""

    stretches: tuple[TextRun, ...]
    size: float

    @property
    def first(self) -> TextRun:
        return self.stretches[0]

    @property
    def last(self) -> TextRun:
        return self.stretches[-1]


def text_layer_content(lines: Iterator[tuple[Line, list[tuple[str, Box | None]]]], sheet: PageTransform, letters: FontCodes) -> bytes:
    """Return the content stream of a text layer: for each line one text object, drawn in neither stroke nor fill."""
    placed: list[TextLine] = []
    for line, texts in lines:
        row = _place_line(line, texts, sheet, placed[-1] if placed else None)
        if row:
            placed.append(row)
    return b"\n".join(_draw_line(row, letters) for row in _separate_lines(placed))


def _place_line(line: Line, texts: list[tuple[str, Box | None]], sheet: PageTransform, above: TextLine | None) -> TextLine | None:
    parts = [part for text, box in texts for part in _split_words(text, box)]
    if not parts:
        return None
    boxes = [box for _, box in parts if box] or ([line.box] if line.box else [])
    if boxes:
        heights = sorted(box.height for box in boxes)
        size = heights[3 * len(heights) // 4 if len(heights) > 1 else 0] * sheet.scale
        base = sheet.height - median(box.bottom for box in boxes) * sheet.scale
    else:
        # Nothing is known of where it stands: a small line below the one before.
        size = 2.0
        base = (above.first.base if above else sheet.height) - 3.0
    size = min(max(size, MIN_FONT_SIZE_PT), MAX_FONT_SIZE_PT)
    base = min(max(base, 0.0), sheet.height - size / 2)
    placed, size = _space_words(_place_words(parts, line.box, sheet, size), size, sheet)
    bases = _baselines(line, placed, base, size, sheet)
    return TextLine(tuple(TextRun(*one, height) for one, height in zip(placed, bases, strict=True)), size)


def _split_words(text: str, box: Box | None) -> list[tuple[str, Box | None]]:
    """Part a text at its white space, and its box in proportion."""
    words = text.split()
    if len(words) < 2 or box is None:
        return [(word, box) for word in words]
    whole, at = sum(len(word) + 1 for word in words) - 1, 0
    parts: list[tuple[str, Box | None]] = []
    for word in words:
        left = box.left + box.width * at // whole
        right = max(left + 1, box.left + box.width * (at + len(word)) // whole)
        parts.append((word, Box(left, box.top, right, box.bottom)))
        at += len(word) + 1
    return parts


def _place_words(
    parts: list[tuple[str, Box | None]], around: Box | None, sheet: PageTransform, size: float
) -> list[tuple[str, float, float]]:
    """Return the pieces with left and right; those without a box share the room between their neighbours by their length."""
    placed: list[tuple[str, float, float]] = []
    at = around.left * sheet.scale if around else min((box.left for _, box in parts if box), default=0) * sheet.scale
    for index, (text, box) in enumerate(parts):
        if box:
            placed.append((text, box.left * sheet.scale, box.right * sheet.scale))
        else:
            following = next(((n, other) for n, (_, other) in enumerate(parts[index:], index) if other), None)
            stop, end = (following[0], following[1].left * sheet.scale) if following and following[1] else (len(parts), sheet.width)
            letters = sum(len(part) + 1 for part, _ in parts[index:stop])
            width = min(size * UNSEEN_ADVANCE / EM, max(0.0, end - at) / letters) * len(text)
            left = at + MIN_WORD_SPACE_EM * size if placed else at
            placed.append((text, left, left + width))
        at = placed[-1][2]
    return placed


def _space_words(placed: list[tuple[str, float, float]], size: float, sheet: PageTransform) -> tuple[list[tuple[str, float, float]], float]:
    """Keep the distances between words, within the page; a line that does not fit is spread over it, in a size that keeps words apart."""
    least = max(MIN_FONT_SIZE_PT, 0.1 * size)
    made: list[tuple[str, float, float]] = []
    for index, (text, start, end) in enumerate(placed):
        left, right = max(start, 0.0, made[-1][2] + MIN_WORD_SPACE_EM * size if made else 0.0), end
        if index + 1 < len(placed):
            following = placed[index + 1][1]
            right = max(min(end, following - MIN_WORD_SPACE_EM * size), following - MAX_WORD_SPACE_EM * size)
        made.append((text, left, max(right, left + least)))
    if made[-1][1] < sheet.width - least:
        return [*made[:-1], (made[-1][0], made[-1][1], min(made[-1][2], sheet.width))], size
    first = min(made[0][1], sheet.width / 2)
    share = (sheet.width - first) / sum(len(text) + 1 for text, _, _ in made)
    spread, at = [], first
    for text, _, _ in made:
        spread.append((text, at, at + share * len(text)))
        at += share * (len(text) + 1)
    return spread, max(0.1, min(size, share / MIN_WORD_SPACE_EM))


def _baselines(line: Line, placed: list[tuple[str, float, float]], base: float, size: float, sheet: PageTransform) -> Iterator[float]:
    """Yield the height of each piece's baseline: the line's own where it is known and leads upward or downward, else one for all."""
    steep = 0.0
    if line.baseline:
        (left, first), (right, last) = ((x * sheet.scale, sheet.height - y * sheet.scale) for x, y in line.baseline)
        steep = (last - first) / (right - left) if right > left else 0.0
    for _, start, end in placed:
        rising = abs(steep) * (placed[-1][2] - placed[0][1]) > MIN_LINE_STEP_EM * size / 2 and abs(steep) < 0.2
        at = first + steep * ((start + end) / 2 - left) if rising else base + DESCENT_EM * size
        yield min(max(at, 0.0), sheet.height - size / 2)


def _separate_lines(rows: list[TextLine]) -> Iterator[TextLine]:
    """Yield the rows so that no two following ones can be taken for one line."""
    moved = 0.0
    for index, whole in enumerate(rows):
        row = replace(whole, stretches=tuple(replace(one, base=one.base + moved) for one in whole.stretches))
        following = rows[index + 1] if index + 1 < len(rows) else None
        moved, size = _line_shift(row, following) if following else (0.0, row.size)
        yield replace(row, size=size)


def _line_shift(row: TextLine, following: TextLine) -> tuple[float, float]:
    """Return how far the following row must move, and the size this one must have, so that the two are two lines."""
    step, enough = following.first.base - row.last.base, 1.2 * MIN_LINE_STEP_EM
    if following.first.left <= row.last.right - 0.2 * row.size or abs(step) >= enough * row.size:
        return 0.0, row.size
    size = max(MIN_FONT_SIZE_PT, min(row.size, max(abs(step) / enough, 4.0)))
    return (0.0 if abs(step) > 1.1 * MIN_LINE_STEP_EM * size else -step - enough * size), size


def _draw_line(row: TextLine, letters: FontCodes) -> bytes:
    parts = [b"BT /Unseen %s Tf 3 Tr" % format_number(row.size)]
    for index, one in enumerate(row.stretches):
        wide = 100 * (one.right - one.left) / (row.size * UNSEEN_ADVANCE / EM * len(one.text))
        text = one.text + (" " if index + 1 < len(row.stretches) else "")
        parts.append(
            b"%s Tz 1 0 0 1 %s %s Tm %s Tj" % (format_number(wide), format_number(one.left), format_number(one.base), letters.encode(text))
        )
    return b"\n".join([*parts, b"ET"])
