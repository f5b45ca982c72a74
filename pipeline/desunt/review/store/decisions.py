"""Decisions: logged for ever, and in force unless someone was faster."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from desunt.record.conjecture import Decision
from desunt.record.edits import GapEdit
from desunt.review.store import append as logbook
from desunt.review.store import current as stands
from desunt.review.store import drafts
from desunt.review.store import log as chain
from desunt.review.store.database import Database
from desunt.review.store.entries import Chain, Detached, EditProposal, Entry, Proposal, Standing
from desunt.review.store.errors import Unknown
from desunt.review.store.gap_edits import edit_entry
from desunt.review.store.index import Index
from desunt.review.store.schema import DetachedTable, EntryTable


class Decisions:
    """The record of what editors decided, and what of it stands."""

    def __init__(self, database: Database, index: Index) -> None:
        self._database, self._index = database, index

    def decide(self, proposal: Proposal) -> Entry:
        """Log a decision and let it stand; the entry's uid is the place's new version.

        Raises Conflict if the place has another version than the editor saw (the attempt is logged without effect), Unknown,
        Invalid, and NotAllowed for readers and for a contested gap, which an approver resolves.
        """
        place = self.place(proposal)
        with self._database.writing() as connection:
            made = logbook.put(connection, proposal, place, self._database.clock())
        return logbook.effective(made)

    def place(self, proposal: Proposal) -> drafts.Place:
        """Return what is known of the place a proposal is about. Raises Unknown."""
        return drafts.place_of(self._index, proposal)

    def edit(self, proposal: EditProposal) -> Entry:
        """Log a change of which places are gaps, and bring the document's index up to date; raises as `decide` does."""
        facts, folder = self._index.facts(proposal.document_id), self._index.folder(proposal.document_id)
        with self._database.writing() as connection:
            made = edit_entry(connection, facts, folder, proposal, self._database.clock())
        if not made[0].stale:
            self._index.reread(proposal.document_id)
        return logbook.effective(made)

    def undo(self, uid: str, editor: str, note: str = "") -> Entry:
        """Take back an entry of any age by a new one; what stood before it stands again.

        Raises Conflict if it was taken back already, Invalid if it never took effect. The word of a second reader or an
        approver can be taken back by themselves or an approver alone (NotAllowed).
        """
        with self._database.writing() as connection:
            made = logbook.revoke(connection, uid, editor, self._database.clock(), note=note)
        if made[2].action == "edit" and not made[0].stale:
            self._index.reread(made[0].document_id)
        return logbook.effective(made[:2])

    def standing(self, target: str) -> Standing:
        """Return what stands for a gap or word. Raises Unknown for a place that is not in the collection and was never spoken of."""
        with self._database.reading() as connection:
            found = stands.standing(connection, target)
        if found:
            return found
        row = self._index.gap(target)
        return Standing(target, row.document_id, row.status, None, None, "")

    def version(self, target: str) -> str:
        """Return the version of a gap, word or line; empty if nothing was ever said of it."""
        with self._database.reading() as connection:
            return stands.version(connection, target)

    def history(self, target: str) -> tuple[Entry, ...]:
        """Return all entries about a gap, word or line, oldest first: those without effect and those taken back as well."""
        with self._database.reading() as connection:
            return stands.history(connection, target)

    def revoked(self, entries: tuple[Entry, ...]) -> set[str]:
        """Return the uids of a place's entries that are not in force."""
        return {entry.uid for entry in entries} - {entry.uid for entry in stands.in_force(entries)}

    def recent(self, editor: str | None = None, limit: int = 50, before: int | None = None) -> tuple[Entry, ...]:
        """Return entries newest first, of one editor or of all, with numbers below `before`."""
        asked = select(EntryTable.__table__).order_by(EntryTable.seq.desc()).limit(limit)
        asked = asked.where(EntryTable.editor == editor) if editor is not None else asked
        asked = asked.where(EntryTable.seq < before) if before is not None else asked
        with self._database.reading() as connection:
            return tuple(chain.from_row(row) for row in connection.execute(asked).mappings())

    def entry(self, uid: str) -> Entry:
        """Return one entry. Raises Unknown."""
        with self._database.reading() as connection:
            found = chain.one(connection, uid)
        if found is None:
            raise Unknown(f"no decision {uid!r}")
        return found

    def conflicts(self, limit: int = 200) -> tuple[Entry, ...]:
        """Return the entries that came second, newest first."""
        asked = select(EntryTable.__table__).where(EntryTable.stale).order_by(EntryTable.seq.desc()).limit(limit)
        with self._database.reading() as connection:
            return tuple(chain.from_row(row) for row in connection.execute(asked).mappings())

    def of_document(self, document_id: str) -> tuple[Mapping[str, Decision], tuple[GapEdit, ...]]:
        """Return what stands for a document: decisions by the id of the gap or word, and edits in their order."""
        return self._index.decided(document_id)

    def detached(self, limit: int = 1000) -> tuple[Detached, ...]:
        """Return the decisions and edits that found no place when their documents were last read."""
        asked = select(DetachedTable).order_by(DetachedTable.document_id, DetachedTable.uid).limit(limit)
        with self._database.reading() as connection:
            found = [(chain.one(connection, row.uid), row.problem) for row in connection.execute(asked).all()]
        return tuple(Detached(entry, problem) for entry, problem in found if entry)

    def verify_chain(self) -> Chain:
        """Prove that no row was changed, removed or slipped in; the first broken row is named."""
        with self._database.reading() as connection:
            return chain.verify(connection)
