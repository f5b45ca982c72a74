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
class LayerLine:
    """A line of the text layer."""

    runs: tuple[TextRun, ...]
    size: float

    @property
    def first(self) -> TextRun:
        return self.runs[0]

    @property
    def last(self) -> TextRun:
        return self.runs[-1]


def text_layer_content(lines: Iterator[tuple[Line, list[tuple[str, Box | None]]]], transform: PageTransform, codes: FontCodes) -> bytes:
    """Return the content stream of a text layer: for each line one text object, drawn in neither stroke nor fill."""
    text_lines: list[LayerLine] = []
    for line, texts in lines:
        text_line = _place_line(line, texts, transform, text_lines[-1] if text_lines else None)
        if text_line:
            text_lines.append(text_line)
    return b"\n".join(_draw_line(text_line, codes) for text_line in _separate_lines(text_lines))


def _place_line(
    line: Line, texts: list[tuple[str, Box | None]], transform: PageTransform, line_above: LayerLine | None
) -> LayerLine | None:
    words = [part for text, box in texts for part in _split_words(text, box)]
    if not words:
        return None
    boxes = [box for _, box in words if box] or ([line.box] if line.box else [])
    if boxes:
        heights = sorted(box.height for box in boxes)
        size = heights[3 * len(heights) // 4 if len(heights) > 1 else 0] * transform.scale
        base = transform.height - median(box.bottom for box in boxes) * transform.scale
    else:
        # Nothing is known of where it stands: a small line below the one before.
        size = 2.0
        base = (line_above.first.base if line_above else transform.height) - 3.0
    size = min(max(size, MIN_FONT_SIZE_PT), MAX_FONT_SIZE_PT)
    base = min(max(base, 0.0), transform.height - size / 2)
    placed_words, size = _space_words(_place_words(words, line.box, transform, size), size, transform)
    bases = _baselines(line, placed_words, base, size, transform)
    return LayerLine(tuple(TextRun(*placed, height) for placed, height in zip(placed_words, bases, strict=True)), size)


def _split_words(text: str, box: Box | None) -> list[tuple[str, Box | None]]:
    """Part a text at its white space, and its box in proportion."""
    words = text.split()
    if len(words) < 2 or box is None:
        return [(word, box) for word in words]
    letter_count, offset = sum(len(word) + 1 for word in words) - 1, 0
    parts: list[tuple[str, Box | None]] = []
    for word in words:
        left = box.left + box.width * offset // letter_count
        right = max(left + 1, box.left + box.width * (offset + len(word)) // letter_count)
        parts.append((word, Box(left, box.top, right, box.bottom)))
        offset += len(word) + 1
    return parts


def _place_words(
    words: list[tuple[str, Box | None]], line_box: Box | None, transform: PageTransform, size: float
) -> list[tuple[str, float, float]]:
    """Return the pieces with left and right; those without a box share the room between their neighbours by their length."""
    placed: list[tuple[str, float, float]] = []
    right_edge = line_box.left * transform.scale if line_box else min((box.left for _, box in words if box), default=0) * transform.scale
    for index, (text, box) in enumerate(words):
        if box:
            placed.append((text, box.left * transform.scale, box.right * transform.scale))
        else:
            following = next(((n, other) for n, (_, other) in enumerate(words[index:], index) if other), None)
            stop, end = (following[0], following[1].left * transform.scale) if following and following[1] else (len(words), transform.width)
            letters = sum(len(word) + 1 for word, _ in words[index:stop])
            width = min(size * UNSEEN_ADVANCE / EM, max(0.0, end - right_edge) / letters) * len(text)
            left = right_edge + MIN_WORD_SPACE_EM * size if placed else right_edge
            placed.append((text, left, left + width))
        right_edge = placed[-1][2]
    return placed


def _space_words(
    words: list[tuple[str, float, float]], size: float, transform: PageTransform
) -> tuple[list[tuple[str, float, float]], float]:
    """Keep the distances between words, within the page; a line that does not fit is spread over it, in a size that keeps words apart."""
    min_width = max(MIN_FONT_SIZE_PT, 0.1 * size)
    spaced: list[tuple[str, float, float]] = []
    for index, (text, start, end) in enumerate(words):
        left, right = max(start, 0.0, spaced[-1][2] + MIN_WORD_SPACE_EM * size if spaced else 0.0), end
        if index + 1 < len(words):
            following = words[index + 1][1]
            right = max(min(end, following - MIN_WORD_SPACE_EM * size), following - MAX_WORD_SPACE_EM * size)
        spaced.append((text, left, max(right, left + min_width)))
    if spaced[-1][1] < transform.width - min_width:
        return [*spaced[:-1], (spaced[-1][0], spaced[-1][1], min(spaced[-1][2], transform.width))], size
    line_left = min(spaced[0][1], transform.width / 2)
    share = (transform.width - line_left) / sum(len(text) + 1 for text, _, _ in spaced)
    spread, at = [], line_left
    for text, _, _ in spaced:
        spread.append((text, at, at + share * len(text)))
        at += share * (len(text) + 1)
    return spread, max(0.1, min(size, share / MIN_WORD_SPACE_EM))


def _baselines(line: Line, words: list[tuple[str, float, float]], base: float, size: float, transform: PageTransform) -> Iterator[float]:
    """Yield the height of each piece's baseline: the line's own where it is known and leads upward or downward, else one for all."""
    slope = 0.0
    if line.baseline:
        (left, first), (right, last) = ((x * transform.scale, transform.height - y * transform.scale) for x, y in line.baseline)
        slope = (last - first) / (right - left) if right > left else 0.0
    for _, start, end in words:
        is_sloped = abs(slope) * (words[-1][2] - words[0][1]) > MIN_LINE_STEP_EM * size / 2 and abs(slope) < 0.2
        height = first + slope * ((start + end) / 2 - left) if is_sloped else base + DESCENT_EM * size
        yield min(max(height, 0.0), transform.height - size / 2)


def _separate_lines(lines: list[LayerLine]) -> Iterator[LayerLine]:
    """Yield the rows so that no two following ones can be taken for one line."""
    shift = 0.0
    for index, line in enumerate(lines):
        moved_line = replace(line, runs=tuple(replace(run, base=run.base + shift) for run in line.runs))
        following = lines[index + 1] if index + 1 < len(lines) else None
        shift, size = _line_shift(moved_line, following) if following else (0.0, moved_line.size)
        yield replace(moved_line, size=size)


def _line_shift(line: LayerLine, following: LayerLine) -> tuple[float, float]:
    """Return how far the following row must move, and the size this one must have, so that the two are two lines."""
    step, min_step = following.first.base - line.last.base, 1.2 * MIN_LINE_STEP_EM
    if following.first.left <= line.last.right - 0.2 * line.size or abs(step) >= min_step * line.size:
        return 0.0, line.size
    size = max(MIN_FONT_SIZE_PT, min(line.size, max(abs(step) / min_step, 4.0)))
    return (0.0 if abs(step) > 1.1 * MIN_LINE_STEP_EM * size else -step - min_step * size), size


def _draw_line(line: LayerLine, codes: FontCodes) -> bytes:
    parts = [b"BT /Unseen %s Tf 3 Tr" % format_number(line.size)]
    for index, run in enumerate(line.runs):
        stretch_percent = 100 * (run.right - run.left) / (line.size * UNSEEN_ADVANCE / EM * len(run.text))
        text = run.text + (" " if index + 1 < len(line.runs) else "")
        parts.append(
            b"%s Tz 1 0 0 1 %s %s Tm %s Tj"
            % (format_number(stretch_percent), format_number(run.left), format_number(run.base), codes.encode(text))
        )
    return b"\n".join([*parts, b"ET"])
