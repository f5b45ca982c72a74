"""Decisions survive a new reading of the page: by the gap's id, or else by its place on the scan. What finds no place is listed."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, insert, select

from desunt.record.document import Box, Gap, Token, Word
from desunt.record.edits import GapEdit
from desunt.record.files import Record
from desunt.review.store import current as standing
from desunt.review.store import log as chain
from desunt.review.store.entries import Entry, Standing
from desunt.review.store.schema import DetachedTable, EntryTable, StandingTable

# Intersection over union, in pixels of the original scan (DESIGN.md section 4).
ENOUGH = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """A token of the page as it is read now."""

    token: Token
    box: Box
    scan_sha256: str
    frame: int
    page: int


def reattach(connection: Connection, record: Record, record_sha256: str, lost: Sequence[GapEdit]) -> int:
    """Carry the decisions of a document over to the gaps in their place, and list what finds none; return how many moved."""
    document_id = record.document.id
    ids = {token.id for page in record.document.pages for line in page.lines for token in line.tokens}
    adrift = [stand for stand in _standing(connection, document_id) if stand.target not in ids and not _moved(connection, stand)]
    places = _places(record) if adrift else []
    found = [(stand, entry, _best(entry, places)) for stand in adrift if (entry := chain.one(connection, stand.uid or ""))]
    wanted: dict[str, int] = defaultdict(int)
    for _, _, place in found:
        wanted[place.token.id if place else ""] += 1
    problems = {edit.id: "its line is read otherwise now" for edit in lost}
    moved = 0
    for stand, entry, place in found:
        problem = _problem(connection, entry, place, wanted)
        if problem is None and place:
            _carry(connection, stand, place, record_sha256)
            moved += 1
        elif problem:
            problems[entry.uid] = problem
    _list(connection, document_id, problems)
    return moved


def detach_all(connection: Connection, document_id: str) -> None:
    """List all that stands for a document whose folder is gone."""
    _list(
        connection, document_id, {stand.uid: "the document's folder is gone" for stand in _standing(connection, document_id) if stand.uid}
    )


def _list(connection: Connection, document_id: str, problems: dict[str, str]) -> None:
    connection.execute(delete(DetachedTable).where(DetachedTable.document_id == document_id))
    if problems:
        rows = [{"uid": uid, "document_id": document_id, "problem": problem} for uid, problem in problems.items()]
        connection.execute(insert(DetachedTable), rows)


def _standing(connection: Connection, document_id: str) -> list[Standing]:
    asked = select(StandingTable.__table__).where(StandingTable.document_id == document_id, StandingTable.uid.is_not(None))
    return [standing.from_row(dict(row)) for row in connection.execute(asked.order_by(StandingTable.target)).mappings()]


def _moved(connection: Connection, stand: Standing) -> bool:
    """Say whether the decision was carried over before; if an editor took that back, it is not done again."""
    return connection.execute(select(EntryTable.uid).where(EntryTable.moved_from == stand.uid)).first() is not None


def _places(record: Record) -> list[Place]:
    return [
        Place(token, token.box, page.image.sha256, page.image.frame, page.number)
        for page in record.document.pages
        if page.image
        for line in page.lines
        for token in line.tokens
        if token.box
    ]


def _best(entry: Entry, places: Sequence[Place]) -> Place | None:
    """Return the token that covers the place of the entry best; a gap is preferred where the decision was about one."""
    if entry.box is None:
        return None
    kind = Word if entry.verdict == "corrected" else Gap
    here = [(entry.box.overlap(p.box), p) for p in places if (p.scan_sha256, p.frame) == (entry.scan_sha256, entry.frame)]
    near = [(isinstance(p.token, kind), overlap, p.token.id, p) for overlap, p in here if overlap >= ENOUGH]
    return max(near, key=lambda one: one[:3])[3] if near else None


def _problem(connection: Connection, entry: Entry, place: Place | None, wanted: dict[str, int]) -> str | None:
    """Return why an entry cannot be carried over to the place, None if it can, and an empty string if it need not be."""
    if place is None:
        return "nothing on the page as it is read now lies in its place" if entry.box else "it has no place on a scan"
    if isinstance(place.token, Word) and entry.verdict != "corrected":
        return f"the page is now read there as {place.token.text!r}"
    if isinstance(place.token, Gap) and entry.verdict == "corrected":
        return "the corrected word is a gap now"
    if wanted[place.token.id] > 1:
        return "decisions about several gaps lie over one gap of the page as it is read now"
    other = standing.stand_of(standing.history(connection, place.token.id))
    if other is None:
        return None
    return "" if standing.meaning(other.entry) == standing.meaning(entry) else "the gap in its place was decided otherwise"


def _carry(connection: Connection, stand: Standing, place: Place, record_sha256: str) -> None:
    """Write what is in force about the old place once more, about the new one: who and when stay as they were."""
    names: dict[str, str] = {}
    saw = standing.version(connection, place.token.id)
    for entry in standing.in_force(standing.history(connection, stand.target)):
        if entry.action == "revoke":
            continue
        made = replace(
            entry, uid=uuid.uuid4().hex, target=place.token.id, saw=saw, refers=names.get(entry.refers or ""),
            moved_from=entry.uid, origin=None,
            record_sha256=record_sha256, box=place.box, page=place.page,
        )  # fmt: skip
        names[entry.uid] = saw = chain.append(connection, made).uid
    standing.restand(connection, stand.document_id, place.token.id)
