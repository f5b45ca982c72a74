"""Gaps that an editor adds, splits, joins or moves: checked against the page with all earlier edits laid over it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from desunt.record.document import Gap, Line, Page, Word, stable_id
from desunt.record.edits import GapEdit, apply_edits
from desunt.record.files import Record, sha256_of
from desunt.review.store import append as logbook
from desunt.review.store import current as stands
from desunt.review.store import drafts
from desunt.review.store.accounts import allow
from desunt.review.store.entries import EditProposal, Entry
from desunt.review.store.errors import Invalid, Unknown
from desunt.review.store.valid import edits_in
from desunt.review.store.validation import UID, clean

# How many tokens give way, and how many gaps come in their place: (least, most), None is no limit.
SHAPES: dict[str, tuple[tuple[int, int | None], tuple[int, int | None]]] = {
    "add": ((0, None), (1, 1)),
    "split": ((1, 1), (2, None)),
    "join": ((2, None), (1, 1)),
    "move": ((1, 1), (1, 1)),
}


def edit_entry(connection: Connection, facts: Record, folder: Path, proposal: EditProposal, at: str) -> tuple[Entry, Entry | None]:
    """Log an edit inside a transaction; return it, and the entry that was faster if it is stale. Raises Invalid, Unknown, NotAllowed."""
    known = logbook.again(connection, proposal.uid, proposal.line_id, proposal.editor)
    if known:
        return known
    allow(connection, proposal.editor, "decide")
    if proposal.uid is not None and not UID.fullmatch(proposal.uid):
        raise Invalid("an edit's own id is 32 hexadecimal digits")
    stale = proposal.version != stands.version(connection, proposal.line_id)
    shown, _ = apply_edits(facts.document, edits_in(connection, proposal.document_id))
    page, line = _line(shown.pages, proposal)
    edit = _edit(line, proposal, at)
    if not stale and apply_edits(shown, (edit,))[1]:
        raise Invalid("these words and gaps do not follow each other in the line, or nothing would change")
    entry = drafts.bare(
        proposal.line_id, proposal.document_id, edit.editor, at, saw=clean(proposal.version), stale=stale,
        record_sha256=sha256_of(folder / "record.json"), box=edit.gaps[0].box,
    )  # fmt: skip
    scan = page.image
    where = {"page": page.number, "scan_sha256": scan.sha256 if scan else None, "frame": scan.frame if scan else None}
    return logbook.log(connection, replace(entry, uid=edit.id, edit=edit, note=edit.note, **where))  # type: ignore[arg-type]  # one type a key


def _line(pages: tuple[Page, ...], proposal: EditProposal) -> tuple[Page, Line]:
    for page in pages:
        for line in page.lines:
            if line.id == proposal.line_id:
                return page, line
    raise Unknown(f"no line {proposal.line_id!r} in {proposal.document_id}")


def _edit(line: Line, proposal: EditProposal, at: str) -> GapEdit:
    """Return the edit with ids for its gaps. Raises Invalid if its shape is not that of its kind."""
    gone = [token for token in line.tokens if token.id in proposal.tokens]
    for count, (least, most), what in zip(
        (len(proposal.tokens), len(proposal.gaps)), SHAPES[proposal.kind], ("tokens", "gaps"), strict=True
    ):
        if count < least or (most is not None and count > most):
            raise Invalid(f"{proposal.kind} with {count} {what}: it takes {least}{'' if most == least else ' or more'}")
    if proposal.kind != "add" and any(isinstance(token, Word) for token in gone):
        raise Invalid(f"only gaps can be {proposal.kind} targets; a word becomes a gap by `add`")
    uid = proposal.uid or uuid.uuid4().hex
    gaps = tuple(_gap(number, uid, proposal, gone) for number in range(len(proposal.gaps)))
    editor, note = clean(proposal.editor).strip(), clean(proposal.note)
    return GapEdit(uid, proposal.kind, proposal.line_id, proposal.tokens, proposal.after, gaps, editor, at, note)


def _gap(number: int, uid: str, proposal: EditProposal, gone: list[Word | Gap]) -> Gap:
    """Return a gap; the words it replaces are its evidence from now on, and nothing is kept of what is withheld."""
    new = proposal.gaps[number]
    old = gone[0] if proposal.kind == "move" and gone else None
    name = old.id if old else stable_id(proposal.document_id, uid, number)
    readings = [token.text if isinstance(token, Word) else token.engine_reading or "" for token in gone]
    reading = None if new.reason == "withheld" or proposal.kind == "split" else " ".join(filter(None, readings)) or None
    return Gap(name, new.box, new.extent, new.reason, reading, new.letters)
