"""What the parts of a TEI file must agree on: its namespace, the names of places and people, and how sizes are said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from desunt.export import Mode
from desunt.export.gap_entries import models_of
from desunt.export.modes import editor_names
from desunt.export.wording import vouch_threshold
from desunt.record.conjecture import Decision, ModelRef
from desunt.record.document import Box, Gap, Page, Word, lines_with_pages
from desunt.record.files import Record

TEI = "http://www.tei-c.org/ns/1.0"
XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
UNITS = {"character": "char", "word": "word", "line": "line"}
TEI_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?")


@dataclass(frozen=True, slots=True)
class TeiContext:
    """A record as the mode shows it (`view`), the whole of it for the header, and the ids by which places and people are pointed to."""

    record: Record
    view: Record
    mode: Mode
    xml_ids: Mapping[str, str]
    editor_ids: Mapping[str, str]
    model_ids: Mapping[ModelRef, str]
    vouch: float

    def resp(self, decision: Decision) -> str:
        """Return pointers to whoever stands for a reading: the editor and the second readers."""
        return " ".join(f"#{self.editor_ids[name]}" for name in dict.fromkeys((decision.editor, *decision.confirmed_by)))


def tei_context(record: Record, view: Record, mode: Mode) -> TeiContext:
    """Name every gap `gap-N` in reading order, the number that the apparatus gives it, and every decided word `word-N`."""
    gaps: list[str] = []
    words: list[str] = []
    # One token at a time: those of a long document would not stand in memory together.
    for token in (token for _, line in lines_with_pages(view.document) for token in line.tokens):
        if isinstance(token, Gap):
            gaps.append(token.id)
        elif token.id in (view.decisions or {}):
            words.append(token.id)
    xml_ids = {token_id: f"gap-{n}" for n, token_id in enumerate(gaps, 1)} | {token_id: f"word-{n}" for n, token_id in enumerate(words, 1)}
    editor_ids = {token_id: f"editor-{n}" for n, token_id in enumerate(editor_names(view), 1)}
    model_ids = {model: f"model-{n}" for n, model in enumerate(models_of(record), 1)}
    return TeiContext(record, view, mode, xml_ids, editor_ids, model_ids, vouch_threshold(record))


def surface_id(page: Page) -> str:
    return f"page-{page.number}"


def line_zone_id(page: Page, number: int) -> str:
    """Return the name of a line's zone; lines are counted from 1 within their page."""
    return f"page-{page.number}-line-{number}"


def region_zone_id(page: Page, number: int) -> str:
    return f"page-{page.number}-block-{number}"


def word_zone_id(page: Page, line: int, place: int) -> str:
    """Return the name of a doubtful word's zone: line and place in it from 1."""
    return f"page-{page.number}-line-{line}-word-{place}"


def zone_corners(box: Box) -> dict[str, int]:
    """Return a box in the attributes of a zone."""
    return {"ulx": box.left, "uly": box.top, "lrx": box.right, "lry": box.bottom}


def extent_attributes(gap: Gap) -> dict[str, str | int | None]:
    """Return the length of a gap in the attributes of `att.dimensions`."""
    extent = gap.extent
    if extent is None or (extent.least == 0 and extent.most is None):
        return {"extent": "unknown"}
    unit = UNITS[extent.unit]
    if extent.least == extent.most:
        return {"unit": unit, "quantity": extent.least}
    return {"unit": unit, "atLeast": extent.least, "atMost": extent.most}


def tei_date(at: str) -> str | None:
    """Return a date as TEI writes it; None if it is none."""
    return at if TEI_DATE.fullmatch(at) else None


def is_doubtful(word: Word, vouch: float) -> bool:
    return word.legibility is not None and word.legibility < vouch
