"""What an editor changed about which places are gaps: the page's own record stays as it is, and is shown with the changes laid over it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from desunt.record.conjecture import Decision
from desunt.record.document import Document, Gap, Line, Page, Region, Token

EditKind: TypeAlias = Literal["add", "split", "join", "move"]


@dataclass(frozen=True, slots=True)
class GapEdit:
    """One change: in a line, the tokens named give way to `gaps` (ISO 8601 time, UTC).

    `add` replaces words that cannot be vouched for, or stands new behind the token `after` (None: at the line's start);
    `split` and `move` replace one gap, `join` neighbouring ones. The gaps have ids of their own; `move` keeps the old one.
    """

    id: str
    kind: EditKind
    line_id: str
    tokens: tuple[str, ...]
    after: str | None
    gaps: tuple[Gap, ...]
    editor: str
    at: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class DocumentDecisions:
    """What editors decided about one document: decisions by the id of the gap or word, and edits in the order they were made."""

    decisions: Mapping[str, Decision]
    edits: tuple[GapEdit, ...] = ()


# Returns the decisions about a document, by its id; None if nobody ever did anything to it.
DecisionLookup: TypeAlias = Callable[[str], DocumentDecisions | None]


def apply_edits(document: Document, edits: Iterable[GapEdit]) -> tuple[Document, tuple[GapEdit, ...]]:
    """Return the document with the edits laid over it, oldest first, and those that no longer find their place."""
    lost = []
    for edit in edits:
        changed = replace(document, pages=tuple(_edit_page(page, edit) for page in document.pages))
        if changed == document:
            lost.append(edit)
        document = changed
    return document, tuple(lost)


def apply_page_edits(page: Page, edits: Iterable[GapEdit]) -> Page:
    """Return one page with the edits of its lines laid over it, oldest first: `apply_edits` for who sees a page at a time."""
    lines = {line.id for line in page.lines}
    for edit in edits:
        page = _edit_page(page, edit) if edit.line_id in lines else page
    return page


def _edit_page(page: Page, edit: GapEdit) -> Page:
    if not any(line.id == edit.line_id for line in page.lines):
        return page
    return replace(page, regions=tuple(_edit_region(region, edit) for region in page.regions))


def _edit_region(region: Region, edit: GapEdit) -> Region:
    return replace(region, lines=tuple(_edit_line(line, edit) if line.id == edit.line_id else line for line in region.lines))


def _edit_line(line: Line, edit: GapEdit) -> Line:
    ids = [token.id for token in line.tokens]
    start = _start_index(ids, edit)
    if start is None or tuple(ids[start : start + len(edit.tokens)]) != edit.tokens:
        return line
    tokens: tuple[Token, ...] = (*line.tokens[:start], *edit.gaps, *line.tokens[start + len(edit.tokens) :])
    return replace(line, tokens=tokens)


def _start_index(ids: list[str], edit: GapEdit) -> int | None:
    """Return where in the line the edit begins; None if the token it hangs on is gone."""
    if edit.tokens:
        return ids.index(edit.tokens[0]) if edit.tokens[0] in ids else None
    if edit.after is None:
        return 0
    return ids.index(edit.after) + 1 if edit.after in ids else None
