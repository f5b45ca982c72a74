"""The one way into the log: inside a transaction, an entry is appended and what holds now is worked out anew."""

from __future__ import annotations

from typing import TypeAlias

from sqlalchemy import Connection

from desunt.record.decision_log import LogEntry, effective_entries
from desunt.review.store import current, drafts, log
from desunt.review.store.accounts import require_permission
from desunt.review.store.entries import Proposal
from desunt.review.store.errors import Conflict, Invalid, NotAllowed, NotFound
from desunt.review.store.validation import clean_text

# An entry as it was logged, and, if it is stale, the entry that was faster.
Appended: TypeAlias = tuple[LogEntry, LogEntry | None]


def require_effective(appended: Appended) -> LogEntry:
    """Return the entry if it took effect. Raises Conflict with the other's entry if it did not."""
    mine, theirs = appended
    if mine.stale and theirs:
        raise Conflict(theirs, mine)
    return mine


def append_decision(
    connection: Connection, proposal: Proposal, context: drafts.TokenContext, at: str, *, series: str | None = None
) -> Appended:  # fmt: skip
    """Log one decision inside a transaction."""
    duplicate = find_duplicate(connection, proposal.uid, proposal.gap_id, proposal.editor)
    if duplicate:
        return duplicate
    require_permission(connection, proposal.editor, "decide")
    drafts.validate(proposal, context)
    status = current.current(connection, proposal.gap_id)
    if status and status.status == "contested" and status.version == proposal.version:
        raise NotAllowed("two readers disagree here", remedy="An approver resolves it; the list of disagreements has it")
    stale = proposal.version != (status.version if status else "")
    return append_entry(connection, drafts.draft_decision(proposal, context, at, stale=stale, series=series))


def append_entry(connection: Connection, draft: LogEntry) -> Appended:
    """Append an entry and work out what holds now; with a stale one comes the last that took effect."""
    faster = log.find(connection, current.current_version(connection, draft.target)) if draft.stale else None
    entry = log.append(connection, draft)
    if not entry.stale:
        current.update_projection(connection, entry.document_id, entry.target)
    # A version that never was, with nobody before: the attempt has no rival to show, so it is its own.
    return entry, faster or (entry if entry.stale else None)


def find_duplicate(connection: Connection, uid: str | None, target: str, editor: str) -> Appended | None:
    """Return what became of an entry that was handed in before under the same uid. Raises Invalid if it was another one."""
    entry = log.find(connection, uid) if uid else None
    if entry is None:
        return None
    if (entry.target, entry.editor) != (target, editor):
        raise Invalid("this decision was handed in before, about another place or by another editor")
    return entry, log.find(connection, current.current_version(connection, target)) if entry.stale else None


def revoke(
    connection: Connection, uid: str, editor: str, at: str, *, note: str = "", series: str | None = None
) -> tuple[LogEntry, LogEntry | None, LogEntry]:
    """Log the undoing of an entry inside a transaction; return it, who was faster if it is stale, and what it takes back."""
    revoked = log.find(connection, uid)
    if revoked is None:
        raise NotFound(f"no decision {uid!r}")
    if revoked.stale:
        raise Invalid("it never took effect: there is nothing to take back")
    of_another_reader = revoked.action in {"confirm", "contest", "resolve"} and revoked.editor != editor
    require_permission(connection, editor, "resolve" if of_another_reader else "decide")
    effective = effective_entries(current.history(connection, revoked.target))
    faster = next((entry for entry in effective if entry.action == "revoke" and entry.refers == uid), None)
    version, note = current.current_version(connection, revoked.target), clean_text(note)
    draft = drafts.draft_revocation(revoked, editor, at, note, saw=version, stale=faster is not None, series=series)
    entry, _ = append_entry(connection, draft)
    return entry, faster, revoked
