"""The one way into the chain: inside a transaction, an entry is appended and what stands is worked out anew."""

from __future__ import annotations

from sqlalchemy import Connection

from desunt.review.store import current as stands
from desunt.review.store import drafts
from desunt.review.store import log as chain
from desunt.review.store.accounts import allow
from desunt.review.store.entries import Entry, Proposal
from desunt.review.store.errors import Conflict, Invalid, NotAllowed, Unknown
from desunt.review.store.validation import clean


def effective(made: tuple[Entry, Entry | None]) -> Entry:
    """Return the entry if it took effect. Raises Conflict with the other's entry if it did not."""
    mine, theirs = made
    if mine.stale and theirs:
        raise Conflict(theirs, mine)
    return mine


def put(
    connection: Connection, proposal: Proposal, place: drafts.Place, at: str, *, series: str | None = None
) -> tuple[Entry, Entry | None]:
    """Log one decision inside a transaction; return it, and the entry that was faster if it is stale."""
    known = again(connection, proposal.uid, proposal.gap_id, proposal.editor)
    if known:
        return known
    allow(connection, proposal.editor, "decide")
    drafts.check(proposal, place)
    now = stands.standing(connection, proposal.gap_id)
    if now and now.status == "contested" and now.version == proposal.version:
        raise NotAllowed("two readers disagree here", remedy="An approver resolves it; the list of disagreements has it")
    draft = drafts.draft(proposal, place, at, stale=proposal.version != (now.version if now else ""), series=series)
    return log(connection, draft)


def log(connection: Connection, draft: Entry) -> tuple[Entry, Entry | None]:
    """Append an entry and work out what stands; return it, and the last that took effect if this one is stale."""
    faster = chain.one(connection, stands.version(connection, draft.target)) if draft.stale else None
    made = chain.append(connection, draft)
    if not made.stale:
        stands.restand(connection, made.document_id, made.target)
    # A version that never was, with nobody before: the attempt has no rival to show, so it is its own.
    return made, faster or (made if made.stale else None)


def again(connection: Connection, uid: str | None, target: str, editor: str) -> tuple[Entry, Entry | None] | None:
    """Return what became of an entry that was handed in before under the same uid. Raises Invalid if it was another one."""
    found = chain.one(connection, uid) if uid else None
    if found is None:
        return None
    if (found.target, found.editor) != (target, editor):
        raise Invalid("this decision was handed in before, about another place or by another editor")
    return found, chain.one(connection, stands.version(connection, target)) if found.stale else None


def revoke(
    connection: Connection, uid: str, editor: str, at: str, *, note: str = "", series: str | None = None
) -> tuple[Entry, Entry | None, Entry]:
    """Log the undoing of an entry inside a transaction; return it, who was faster if it is stale, and what it takes back."""
    old = chain.one(connection, uid)
    if old is None:
        raise Unknown(f"no decision {uid!r}")
    if old.stale:
        raise Invalid("it never took effect: there is nothing to take back")
    allow(connection, editor, "resolve" if old.action in {"confirm", "contest", "resolve"} and old.editor != editor else "decide")
    found = stands.history(connection, old.target)
    standing = {entry.uid for entry in stands.in_force(found)}
    rival = next((entry for entry in found if entry.action == "revoke" and entry.refers == uid and entry.uid in standing), None)
    draft = drafts.undoing(old, editor, at, clean(note), saw=stands.version(connection, old.target), stale=rival is not None, series=series)
    made, _ = log(connection, draft)
    return made, rival, old
