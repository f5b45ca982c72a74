"""Second readers: they read a decided gap without seeing the first reading; who agrees confirms, who does not contests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select, update

from desunt.review.store import append as logbook
from desunt.review.store import current as stands
from desunt.review.store import drafts
from desunt.review.store import log as chain
from desunt.review.store.accounts import allow
from desunt.review.store.database import Database
from desunt.review.store.decisions import Decisions
from desunt.review.store.entries import Assignment, Disagreement, Entry, Proposal
from desunt.review.store.errors import Invalid, NotAllowed, Unknown
from desunt.review.store.queue import conditions
from desunt.review.store.schema import AssignmentTable, EntryTable, GapTable, StandingTable
from desunt.review.store.validation import clean_name
from desunt.review.store.values import GapRow, Query


def blinded(row: GapRow) -> GapRow:
    """Return the gap as a second reader may see it: nothing of what was decided about it."""
    return replace(row, status="open", verdict=None, reading=None, decided_by=None, confirmed=0, version="")


class SecondReaders:
    """Who is to read what a second time, and what came of it."""

    def __init__(self, database: Database, decisions: Decisions) -> None:
        self._database, self._decisions = database, decisions

    def assign(self, gap_ids: Sequence[str], reader: str, by: str) -> int:
        """Give decided gaps to a second reader; those the reader has read, or has been given, are left out. Return how many were given."""
        reader = clean_name(reader)
        with self._database.writing() as connection:
            allow(connection, by, "decide")
            rows = [row for gap_id in dict.fromkeys(gap_ids) if (row := _assignable(connection, gap_id, reader))]
            given = [{**row, "reader": reader, "assigned_by": by, "at": self._database.clock(), "outcome": None} for row in rows]
            if given:
                connection.execute(insert(AssignmentTable), given)
        return len(given)

    def assign_sample(self, reader: str, by: str, count: int, query: Query | None = None) -> int:
        """Give so many gaps, drawn at random from those the query finds and the reader has not read, to a second reader."""
        wanted = replace(query or Query(), status="decided")
        taken = select(AssignmentTable.uid).where(AssignmentTable.reader == reader)
        read = select(EntryTable.target).where(EntryTable.editor == reader)
        asked = (
            select(GapTable.gap_id)
            .join(StandingTable, StandingTable.target == GapTable.gap_id)
            .where(*conditions(wanted), StandingTable.uid.not_in(taken), GapTable.gap_id.not_in(read))
            .order_by(func.random())
            .limit(max(0, count))
        )
        with self._database.reading() as connection:
            drawn = connection.scalars(asked).all()
        return self.assign(drawn, reader, by)

    def mine(self, reader: str, limit: int = 100) -> tuple[Assignment, ...]:
        """Return what a reader has still to read; the first reading is not in it."""
        asked = select(AssignmentTable.__table__).where(AssignmentTable.reader == reader, AssignmentTable.outcome.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(asked.order_by(AssignmentTable.id).limit(limit)).mappings().all()
        return tuple(_assignment(dict(row)) for row in rows)

    def read(self, assignment_id: int, proposal: Proposal) -> Literal["confirm", "contest", "void"]:
        """Log the second reader's own reading and compare it with the first.

        `void`: the first decision was taken back or replaced meanwhile; the reading is logged without effect. The proposal's version is not
        looked at, since the second reader must not know it. Raises Unknown, Invalid, and NotAllowed for another's assignment.
        """
        place = self._decisions.place(proposal)
        with self._database.writing() as connection:
            given = _given(connection, assignment_id, proposal)
            allow(connection, proposal.editor, "decide")
            drafts.check(proposal, place)
            outcome = _judge(connection, given, proposal, place, self._database.clock())
            connection.execute(update(AssignmentTable).where(AssignmentTable.id == assignment_id).values(outcome=outcome))
        return outcome

    def disagreements(self) -> tuple[Disagreement, ...]:
        """Return the decisions that second readers contest; they do not stand until an approver resolves them."""
        asked = (
            select(StandingTable.target, StandingTable.document_id)
            .where(StandingTable.status == "contested")
            .order_by(StandingTable.target)
        )
        found = []
        with self._database.reading() as connection:
            for row in connection.execute(asked).all():
                stand = stands.stand_of(stands.history(connection, row.target))
                if stand:
                    found.append(Disagreement(row.target, row.document_id, stand.entry, stand.contested))
        return tuple(found)

    def resolve(self, gap_id: str, proposal: Proposal) -> Entry:
        """Settle a disagreement: the approver's reading stands, and names the readers who had come to it.

        Raises Conflict as `Decisions.decide` does, Invalid if nothing is contested, NotAllowed for the readers who disagree and for
        all but approvers.
        """
        if proposal.gap_id != gap_id:
            raise Invalid("the reading is about another gap than the disagreement")
        place = self._decisions.place(proposal)
        with self._database.writing() as connection:
            made = logbook.again(connection, proposal.uid, gap_id, proposal.editor) or self._resolve(connection, proposal, place)
        return logbook.effective(made)

    def _resolve(self, connection: Connection, proposal: Proposal, place: drafts.Place) -> tuple[Entry, Entry | None]:
        allow(connection, proposal.editor, "resolve")
        drafts.check(proposal, place)
        stand = stands.stand_of(stands.history(connection, proposal.gap_id))
        stale = stands.version(connection, proposal.gap_id) != proposal.version
        if not stale and not (stand and stand.contested):
            raise Invalid("no two readers disagree about this gap")
        if stand and proposal.editor in {stand.entry.editor, *(entry.editor for entry in stand.contested)}:
            raise NotAllowed("a reader cannot be the judge of their own reading", remedy="Another approver resolves it")
        draft = drafts.draft(proposal, place, self._database.clock(), stale=stale)
        return logbook.log(connection, replace(draft, action="resolve", refers=stand.entry.uid if stand else None))


def _assignable(connection: Connection, gap_id: str, reader: str) -> dict[str, Any] | None:
    stand = stands.standing(connection, gap_id)
    if stand is None or stand.uid is None or stand.status not in {"decided", "contested"}:
        return None
    given = select(AssignmentTable.id).where(AssignmentTable.uid == stand.uid, AssignmentTable.reader == reader)
    spoke = select(EntryTable.seq).where(EntryTable.target == gap_id, EntryTable.editor == reader)
    if connection.execute(given).first() or connection.execute(spoke).first():
        return None
    return {"gap_id": gap_id, "document_id": stand.document_id, "uid": stand.uid}


def _assignment(row: dict[str, Any]) -> Assignment:
    return Assignment(row["id"], row["gap_id"], row["document_id"], row["reader"], row["assigned_by"], row["at"], row["outcome"])


def _given(connection: Connection, assignment_id: int, proposal: Proposal) -> dict[str, Any]:
    row = connection.execute(select(AssignmentTable.__table__).where(AssignmentTable.id == assignment_id)).mappings().first()
    if row is None or row["gap_id"] != proposal.gap_id:
        raise Unknown(f"no assignment {assignment_id} of this gap")
    if row["reader"] != proposal.editor:
        raise NotAllowed("this gap was given to another reader")
    if row["outcome"] is not None:
        raise Invalid("this second reading was handed in before")
    return dict(row)


def _judge(
    connection: Connection, given: dict[str, Any], proposal: Proposal, place: drafts.Place, at: str
) -> Literal["confirm", "contest", "void"]:
    stand = stands.stand_of(stands.history(connection, proposal.gap_id))
    draft = replace(drafts.draft(proposal, place, at), refers=given["uid"], saw=given["uid"])
    if stand is None or stand.entry.uid != given["uid"]:
        chain.append(connection, replace(draft, action="contest", stale=True))
        return "void"
    outcome: Literal["confirm", "contest"] = "confirm" if stands.meaning(draft) == stands.meaning(stand.entry) else "contest"
    logbook.log(connection, replace(draft, action=outcome))
    return outcome
