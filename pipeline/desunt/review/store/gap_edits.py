"""Gaps that an editor adds, splits, joins or moves: checked against the page with all earlier edits laid over it."""

from __future__ import annotations

import uuid
from pathlib import Path

from sqlalchemy import Connection

from desunt.record.atomic import sha256_of
from desunt.record.document import Gap, Line, Page, Word, stable_id
from desunt.record.edits import GapEdit, apply_edits
from desunt.record.files import Record
from desunt.review.store import append, current, drafts
from desunt.review.store.accounts import require_permission
from desunt.review.store.entries import EditProposal
from desunt.review.store.errors import Invalid, NotFound
from desunt.review.store.validation import UID_PATTERN, clean_text

# By kind: how many tokens give way, and how many gaps come in their place, as (least, most); None is no limit.
ALLOWED_COUNTS: dict[str, tuple[tuple[int, int | None], tuple[int, int | None]]] = {
    "add": ((0, None), (1, 1)),
    "split": ((1, 1), (2, None)),
    "join": ((2, None), (1, 1)),
    "move": ((1, 1), (1, 1)),
}


def append_edit(connection: Connection, record: Record, folder: Path, proposal: EditProposal, at: str) -> append.Appended:
    """Log an edit inside a transaction. Raises Invalid, NotFound, NotAllowed."""
    duplicate = append.find_duplicate(connection, proposal.uid, proposal.line_id, proposal.editor)
    if duplicate:
        return duplicate
    require_permission(connection, proposal.editor, "decide")
    if proposal.uid is not None and not UID_PATTERN.fullmatch(proposal.uid):
        raise Invalid("an edit's own id is 32 hexadecimal digits")
    stale = proposal.version != current.current_version(connection, proposal.line_id)
    document, _ = apply_edits(record.document, current.standing_edits(connection, proposal.document_id))
    page, line = _find_line(document.pages, proposal)
    edit = _gap_edit(line, proposal, at)
    if not stale and apply_edits(document, (edit,))[1]:
        raise Invalid("these words and gaps do not follow each other in the line, or nothing would change")
    saw, sha256 = clean_text(proposal.version), sha256_of(folder / "record.json")
    draft = drafts.draft_edit(edit, proposal.document_id, page, saw=saw, stale=stale, record_sha256=sha256)
    return append.append_entry(connection, draft)


def _find_line(pages: tuple[Page, ...], proposal: EditProposal) -> tuple[Page, Line]:
    for page in pages:
        for line in page.lines:
            if line.id == proposal.line_id:
                return page, line
    raise NotFound(f"no line {proposal.line_id!r} in {proposal.document_id}")


def _gap_edit(line: Line, proposal: EditProposal, at: str) -> GapEdit:
    """Return the edit with ids for its gaps. Raises Invalid if its shape is not that of its kind."""
    replaced = [token for token in line.tokens if token.id in proposal.tokens]
    for count, (least, most), what in zip(
        (len(proposal.tokens), len(proposal.gaps)), ALLOWED_COUNTS[proposal.kind], ("tokens", "gaps"), strict=True
    ):
        if count < least or (most is not None and count > most):
            raise Invalid(f"{proposal.kind} with {count} {what}: it takes {least}{'' if most == least else ' or more'}")
    if proposal.kind != "add" and any(isinstance(token, Word) for token in replaced):
        raise Invalid(f"only gaps can be {proposal.kind} targets; a word becomes a gap by `add`")
    uid = proposal.uid or uuid.uuid4().hex
    gaps = tuple(_new_gap(number, uid, proposal, replaced) for number in range(len(proposal.gaps)))
    editor, note = clean_text(proposal.editor).strip(), clean_text(proposal.note)
    return GapEdit(uid, proposal.kind, proposal.line_id, proposal.tokens, proposal.after, gaps, editor, at, note)


def _new_gap(number: int, uid: str, proposal: EditProposal, replaced: list[Word | Gap]) -> Gap:
    """Return a gap; the words it replaces are its evidence from now on, and nothing is kept of what is withheld."""
    new = proposal.gaps[number]
    gap_id = replaced[0].id if proposal.kind == "move" and replaced else stable_id(proposal.document_id, uid, number)
    readings = [token.text if isinstance(token, Word) else token.engine_reading or "" for token in replaced]
    reading = None if new.reason == "withheld" or proposal.kind == "split" else " ".join(filter(None, readings)) or None
    return Gap(gap_id, new.box, new.extent, new.reason, reading, new.letters)
