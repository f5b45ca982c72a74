"""Typeset pages for what has no scan: A4, one type, long lines broken at their spaces; a line of the text stays one text object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from desunt.export.formats.pdf.fonts import FontCodes
from desunt.export.formats.pdf.writer import format_number

# Points: the sheet, its margin, type size, leading, and the width of a letter of the visible font (602 thousandths of its size).
SHEET_WIDTH_PT, SHEET_HEIGHT_PT, MARGIN_PT, FONT_SIZE_PT, LEADING_PT = 595.0, 842.0, 50.0, 9.5, 13.0
LETTER_WIDTH_PT = 0.602 * FONT_SIZE_PT
COLUMNS_PER_ROW = int((SHEET_WIDTH_PT - 2 * MARGIN_PT) / LETTER_WIDTH_PT)
ROWS_PER_SHEET = int((SHEET_HEIGHT_PT - 2 * MARGIN_PT) / LEADING_PT)
LINE_END = re.compile(r"\r\n|[\n\r\f\v\x1c-\x1e\x85\u2028\u2029]")
WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class CommentedSpan:
    """A place of the text, in characters, that a comment is about."""

    start: int
    end: int
    token_id: str


@dataclass(frozen=True, slots=True)
class TypesetWord:
    """One word where it stands: sheet from 0, row and column from 0, how wide in columns, and whether a line of the text ends with it."""

    text: str
    start: int
    sheet: int
    row: int
    column: int
    columns: int
    ends_line: bool

    @property
    def corner(self) -> tuple[float, float]:
        """Return where its baseline begins, in points from the bottom left."""
        return MARGIN_PT + self.column * LETTER_WIDTH_PT, SHEET_HEIGHT_PT - MARGIN_PT - FONT_SIZE_PT - self.row * LEADING_PT


def typeset(text: str) -> Iterator[TypesetWord]:
    """Yield the words of a text where they stand on sheets; a word longer than a line is narrowed to it."""
    row, begin = 0, 0
    for end in [*LINE_END.finditer(text), None]:
        stop = end.start() if end else len(text)
        words = list(WORD.finditer(text, begin, stop))
        column = min(len(text[begin : words[0].start()].expandtabs(8)), COLUMNS_PER_ROW // 2) if words else 0
        for index, word in enumerate(words):
            columns = min(len(word[0]), COLUMNS_PER_ROW)
            if column + columns > COLUMNS_PER_ROW:
                row, column = row + 1, 0
            yield TypesetWord(word[0], word.start(), row // ROWS_PER_SHEET, row % ROWS_PER_SHEET, column, columns, index + 1 == len(words))
            column += columns + 1
        row, begin = row + 1, end.end() if end else stop


def sheet_content(words: list[TypesetWord], codes: FontCodes) -> bytes:
    """Return the content stream of a sheet; a line that goes over to the next sheet ends here and goes on there."""
    parts, is_open = [], False
    for index, word in enumerate(words):
        if not is_open:
            parts.append(b"BT /Seen %s Tf" % format_number(FONT_SIZE_PT))
        stretch_percent = 100 * word.columns / len(word.text)
        x, y = word.corner
        text = word.text + ("" if word.ends_line else " ")
        parts.append(
            b"%s Tz 1 0 0 1 %s %s Tm %s Tj" % (format_number(stretch_percent), format_number(x), format_number(y), codes.encode(text))
        )
        is_open = not word.ends_line and index + 1 < len(words)
        if not is_open:
            parts.append(b"ET")
    return b"\n".join(parts)


def covered_areas(span: CommentedSpan, words: list[TypesetWord]) -> list[tuple[float, float, float, float]]:
    """Return the rectangles (left, bottom, right, top, in points) that a mark covers on a sheet."""
    rectangles = []
    for word in words:
        start, end = max(span.start, word.start), min(span.end, word.start + len(word.text))
        if start < end:
            (x, y), letter_width = word.corner, word.columns * LETTER_WIDTH_PT / len(word.text)
            rectangles.append(
                (x + (start - word.start) * letter_width, y - 0.25 * FONT_SIZE_PT, x + (end - word.start) * letter_width, y + FONT_SIZE_PT)
            )
    return rectangles
