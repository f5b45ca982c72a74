"""Decisions: logged for ever, and in force unless someone was faster."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select

from desunt.record.decision_log import LogEntry, effective_entries
from desunt.review.store import append, current, drafts, log
from desunt.review.store.database import Database
from desunt.review.store.entries import ChainCheck, DetachedEntry, EditProposal, PlaceStatus, Proposal
from desunt.review.store.errors import NotFound
from desunt.review.store.gap_edits import append_edit
from desunt.review.store.index import CollectionIndex
from desunt.review.store.schema import DetachedTable, EntryTable


class DecisionRepository:
    """The record of what editors decided, and what of it stands."""

    def __init__(self, database: Database, index: CollectionIndex) -> None:
        self._database, self._index = database, index

    def decide(self, proposal: Proposal) -> LogEntry:
        """Log a decision and let it stand; the entry's uid is the place's new version.

        Raises Conflict if the place has another version than the editor saw (the attempt is logged without effect), NotFound,
        Invalid, and NotAllowed for readers and for a contested gap, which an approver resolves.
        """
        context = self.context(proposal)
        with self._database.writing() as connection:
            appended = append.append_decision(connection, proposal, context, self._database.clock())
        return append.require_effective(appended)

    def context(self, proposal: Proposal) -> drafts.TokenContext:
        """Return what is known of the token a proposal is about. Raises NotFound."""
        return drafts.token_context(self._index, proposal)

    def edit(self, proposal: EditProposal) -> LogEntry:
        """Log a change of which places are gaps, and bring the document's index up to date; raises as `decide` does."""
        record, folder = self._index.stored_record(proposal.document_id), self._index.folder(proposal.document_id)
        with self._database.writing() as connection:
            appended = append_edit(connection, record, folder, proposal, self._database.clock())
        if not appended[0].stale:
            self._index.reindex(proposal.document_id)
        return append.require_effective(appended)

    def undo(self, uid: str, editor: str, note: str = "") -> LogEntry:
        """Take back an entry of any age by a new one; what stood before it stands again.

        Raises Conflict if it was taken back already, Invalid if it never took effect. The word of a second reader or an
        approver can be taken back by themselves or an approver alone (NotAllowed).
        """
        with self._database.writing() as connection:
            entry, faster, revoked = append.revoke(connection, uid, editor, self._database.clock(), note=note)
        if revoked.action == "edit" and not entry.stale:
            self._index.reindex(entry.document_id)
        return append.require_effective((entry, faster))

    def standing(self, target: str) -> PlaceStatus:
        """Return what stands for a gap or word. Raises NotFound for a place that is not in the collection and was never spoken of."""
        with self._database.reading() as connection:
            status = current.current(connection, target)
        if status:
            return status
        row = self._index.find_gap(target)
        return PlaceStatus(target, row.document_id, row.status, None, None, "")

    def version(self, target: str) -> str:
        """Return the version of a gap, word or line; empty if nothing was ever said of it."""
        with self._database.reading() as connection:
            return current.current_version(connection, target)

    def history(self, target: str) -> tuple[LogEntry, ...]:
        """Return all entries about a gap, word or line, oldest first: those without effect and those taken back as well."""
        with self._database.reading() as connection:
            return current.history(connection, target)

    def revoked(self, entries: tuple[LogEntry, ...]) -> set[str]:
        """Return the uids of a place's entries that are not in force."""
        return {entry.uid for entry in entries} - {entry.uid for entry in effective_entries(entries)}

    def recent(self, editor: str | None = None, limit: int = 50, before: int | None = None) -> tuple[LogEntry, ...]:
        """Return entries newest first, of one editor or of all, with numbers below `before`."""
        conditions = [EntryTable.editor == editor] if editor is not None else []
        conditions += [EntryTable.seq < before] if before is not None else []
        return self._latest(limit, *conditions)

    def find(self, uid: str) -> LogEntry:
        """Return one entry. Raises NotFound."""
        with self._database.reading() as connection:
            entry = log.find(connection, uid)
        if entry is None:
            raise NotFound(f"no decision {uid!r}")
        return entry

    def conflicts(self, limit: int = 200) -> tuple[LogEntry, ...]:
        """Return the entries that came second, newest first."""
        return self._latest(limit, EntryTable.stale.is_(True))

    def _latest(self, limit: int, *conditions: ColumnElement[bool]) -> tuple[LogEntry, ...]:
        latest = select(EntryTable.__table__).where(*conditions).order_by(EntryTable.seq.desc()).limit(limit)
        with self._database.reading() as connection:
            return tuple(log.entry_from_row(row) for row in connection.execute(latest).mappings())

    def detached(self, limit: int = 1000) -> tuple[DetachedEntry, ...]:
        """Return the decisions and edits that found no place when their documents were last read."""
        rows = select(DetachedTable).order_by(DetachedTable.document_id, DetachedTable.uid).limit(limit)
        with self._database.reading() as connection:
            entries = [(log.find(connection, row.uid), row.problem) for row in connection.execute(rows).all()]
        return tuple(DetachedEntry(entry, problem) for entry, problem in entries if entry)

    def verify_chain(self) -> ChainCheck:
        """Prove that no row was changed, removed or slipped in; the first broken row is named."""
        with self._database.reading() as connection:
            return log.verify_chain(connection)
