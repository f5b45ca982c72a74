"""Decisions survive a new reading of the page: by the gap's id, or else by its place on the scan. What finds no place is listed."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, insert, select

from desunt.record.decision_log import LogEntry, comparable_reading, effective_entries, replay
from desunt.record.document import Box, Gap, Token, Word
from desunt.record.edits import GapEdit
from desunt.record.files import Record
from desunt.review.store import current, log
from desunt.review.store.entries import PlaceStatus
from desunt.review.store.schema import DetachedTable, EntryTable, StandingTable

# Intersection over union, in pixels of the original scan (DESIGN.md section 4).
MIN_OVERLAP_IOU = 0.5


@dataclass(frozen=True, slots=True)
class PlacedToken:
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
    statuses = _standing_statuses(connection, document_id)
    displaced = [status for status in statuses if status.target not in ids and not _was_carried_over(connection, status)]
    tokens = _placed_tokens(record) if displaced else []
    matches = [(status, entry, _best_match(entry, tokens)) for status in displaced if (entry := log.find(connection, status.uid or ""))]
    claims = Counter(match.token.id for *_, match in matches if match)
    problems = {edit.id: "its line is read otherwise now" for edit in lost}
    moved = 0
    for status, entry, match in matches:
        problem = _why_not(connection, entry, match, claims)
        if problem is None and match:
            _carry_over(connection, status, match, record_sha256)
            moved += 1
        elif problem:
            problems[entry.uid] = problem
    _replace_detached(connection, document_id, problems)
    return moved


def detach_all(connection: Connection, document_id: str) -> None:
    """List all that stands for a document whose folder is gone."""
    statuses = _standing_statuses(connection, document_id)
    _replace_detached(connection, document_id, {status.uid: "the document's folder is gone" for status in statuses if status.uid})


def _replace_detached(connection: Connection, document_id: str, problems: dict[str, str]) -> None:
    connection.execute(delete(DetachedTable).where(DetachedTable.document_id == document_id))
    if problems:
        rows = [{"uid": uid, "document_id": document_id, "problem": problem} for uid, problem in problems.items()]
        connection.execute(insert(DetachedTable), rows)


def _standing_statuses(connection: Connection, document_id: str) -> list[PlaceStatus]:
    return current.find_all(connection, StandingTable.document_id == document_id, StandingTable.uid.is_not(None))


def _was_carried_over(connection: Connection, status: PlaceStatus) -> bool:
    """Say whether the decision was carried over before; if an editor took that back, it is not done again."""
    return connection.execute(select(EntryTable.uid).where(EntryTable.moved_from == status.uid)).first() is not None


def _placed_tokens(record: Record) -> list[PlacedToken]:
    return [
        PlacedToken(token, token.box, page.image.sha256, page.image.frame, page.number)
        for page in record.document.pages
        if page.image
        for line in page.lines
        for token in line.tokens
        if token.box
    ]


def _best_match(entry: LogEntry, tokens: Sequence[PlacedToken]) -> PlacedToken | None:
    """Return the token that covers the place of the entry best; a gap is preferred where the decision was about one."""
    if entry.box is None:
        return None
    kind = Word if entry.verdict == "corrected" else Gap
    on_scan = [placed for placed in tokens if (placed.scan_sha256, placed.frame) == (entry.scan_sha256, entry.frame)]
    near = [placed for placed in on_scan if entry.box.overlap(placed.box) >= MIN_OVERLAP_IOU]
    ranks = [(isinstance(placed.token, kind), entry.box.overlap(placed.box), placed.token.id) for placed in near]
    return near[ranks.index(max(ranks))] if near else None


def _why_not(connection: Connection, entry: LogEntry, match: PlacedToken | None, claims: Counter[str]) -> str | None:
    """Return why an entry cannot be carried over to the token, None if it can, and an empty string if it need not be."""
    if match is None:
        return "nothing on the page as it is read now lies in its place" if entry.box else "it has no place on a scan"
    if isinstance(match.token, Word) and entry.verdict != "corrected":
        return f"the page is now read there as {match.token.text!r}"
    if isinstance(match.token, Gap) and entry.verdict == "corrected":
        return "the corrected word is a gap now"
    if claims[match.token.id] > 1:
        return "decisions about several gaps lie over one gap of the page as it is read now"
    state = replay(current.history(connection, match.token.id))
    if state is None:
        return None
    return "" if comparable_reading(state.entry) == comparable_reading(entry) else "the gap in its place was decided otherwise"


def _carry_over(connection: Connection, status: PlaceStatus, match: PlacedToken, record_sha256: str) -> None:
    """Write what is in force about the old place once more, about the new one: who and when stay as they were."""
    new_uids: dict[str, str] = {}
    saw = current.current_version(connection, match.token.id)
    for entry in effective_entries(current.history(connection, status.target)):
        if entry.action == "revoke":
            continue
        carried = replace(
            entry, uid=uuid.uuid4().hex, target=match.token.id, saw=saw, refers=new_uids.get(entry.refers or ""),
            moved_from=entry.uid, origin=None, record_sha256=record_sha256, box=match.box, page=match.page,
        )  # fmt: skip
        new_uids[entry.uid] = saw = log.append(connection, carried).uid
    current.update_projection(connection, status.document_id, match.token.id)
