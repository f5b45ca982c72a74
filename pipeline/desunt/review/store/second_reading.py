"""Second readers: they read a decided gap without seeing the first reading; who agrees confirms, who does not contests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from desunt.record.decision_log import LogEntry, comparable_reading, replay
from desunt.review.store import append, current, drafts, log
from desunt.review.store.accounts import require_permission
from desunt.review.store.database import Database
from desunt.review.store.decisions import DecisionRepository
from desunt.review.store.entries import Assignment, Disagreement, Proposal
from desunt.review.store.errors import Invalid, NotAllowed, NotFound
from desunt.review.store.queue import conditions
from desunt.review.store.schema import AssignmentTable, EntryTable, GapTable, StandingTable
from desunt.review.store.validation import clean_name
from desunt.review.store.values import QueueFilter

Comparison: TypeAlias = Literal["confirm", "contest", "void"]


class SecondReadings:
    """Who is to read what a second time, and what came of it."""

    def __init__(self, database: Database, decisions: DecisionRepository) -> None:
        self._database, self._decisions = database, decisions

    def assign(self, gap_ids: Sequence[str], reader: str, by: str) -> int:
        """Give decided gaps to a second reader; those the reader has read, or has been given, are left out. Return how many were given."""
        reader = clean_name(reader)
        with self._database.writing() as connection:
            require_permission(connection, by, "decide")
            rows = [row for gap_id in dict.fromkeys(gap_ids) if (row := _assignable(connection, gap_id, reader))]
            assignments = [{**row, "reader": reader, "assigned_by": by, "at": self._database.clock(), "outcome": None} for row in rows]
            if assignments:
                connection.execute(insert(AssignmentTable), assignments)
        return len(assignments)

    def assign_sample(self, reader: str, by: str, count: int, queue_filter: QueueFilter | None = None) -> int:
        """Give so many gaps, drawn at random from those the filter lets through and the reader has not read, to a second reader."""
        decided = replace(queue_filter or QueueFilter(), status="decided")
        assigned = select(AssignmentTable.uid).where(AssignmentTable.reader == reader)
        read_before = select(EntryTable.target).where(EntryTable.editor == reader)
        sample = (
            select(GapTable.gap_id)
            .join(StandingTable, StandingTable.target == GapTable.gap_id)
            .where(*conditions(decided), StandingTable.uid.not_in(assigned), GapTable.gap_id.not_in(read_before))
            .order_by(func.random())
            .limit(max(0, count))
        )
        with self._database.reading() as connection:
            gap_ids = connection.scalars(sample).all()
        return self.assign(gap_ids, reader, by)

    def waiting_for(self, reader: str, limit: int = 100) -> tuple[Assignment, ...]:
        """Return what a reader has still to read; the first reading is not in it."""
        waiting = select(AssignmentTable.__table__).where(AssignmentTable.reader == reader, AssignmentTable.outcome.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(waiting.order_by(AssignmentTable.id).limit(limit)).mappings().all()
        return tuple(_assignment(row) for row in rows)

    def read(self, assignment_id: int, proposal: Proposal) -> Comparison:
        """Log the second reader's own reading and compare it with the first.

        `void`: the first decision was taken back or replaced meanwhile; the reading is logged without effect. The proposal's version is not
        looked at, since the second reader must not know it. Raises NotFound, Invalid, and NotAllowed for another's assignment.
        """
        context = self._decisions.context(proposal)
        with self._database.writing() as connection:
            first_uid = _first_reading(connection, assignment_id, proposal)
            require_permission(connection, proposal.editor, "decide")
            drafts.validate(proposal, context)
            draft = drafts.draft_decision(proposal, context, self._database.clock())
            outcome = _append_comparison(connection, replace(draft, refers=first_uid, saw=first_uid))
            connection.execute(update(AssignmentTable).where(AssignmentTable.id == assignment_id).values(outcome=outcome))
        return outcome

    def disagreements(self) -> tuple[Disagreement, ...]:
        """Return the decisions that second readers contest; they do not stand until an approver resolves them."""
        with self._database.reading() as connection:
            contested = current.find_all(connection, StandingTable.status == "contested")
            states = [(status, replay(current.history(connection, status.target))) for status in contested]
        return tuple(Disagreement(status.target, status.document_id, state.entry, state.contested) for status, state in states if state)

    def resolve(self, gap_id: str, proposal: Proposal) -> LogEntry:
        """Settle a disagreement: the approver's reading stands, and names the readers who had come to it.

        Raises Conflict as `DecisionRepository.decide` does, Invalid if nothing is contested, NotAllowed for the readers who disagree
        and for all but approvers.
        """
        if proposal.gap_id != gap_id:
            raise Invalid("the reading is about another gap than the disagreement")
        context = self._decisions.context(proposal)
        with self._database.writing() as connection:
            duplicate = append.find_duplicate(connection, proposal.uid, gap_id, proposal.editor)
            appended = duplicate or self._append_resolution(connection, proposal, context)
        return append.require_effective(appended)

    def _append_resolution(self, connection: Connection, proposal: Proposal, context: drafts.TokenContext) -> append.Appended:
        require_permission(connection, proposal.editor, "resolve")
        drafts.validate(proposal, context)
        state = replay(current.history(connection, proposal.gap_id))
        stale = current.current_version(connection, proposal.gap_id) != proposal.version
        if not stale and not (state and state.contested):
            raise Invalid("no two readers disagree about this gap")
        if state and proposal.editor in {state.entry.editor, *(entry.editor for entry in state.contested)}:
            raise NotAllowed("a reader cannot be the judge of their own reading", remedy="Another approver resolves it")
        draft = drafts.draft_decision(proposal, context, self._database.clock(), stale=stale)
        return append.append_entry(connection, replace(draft, action="resolve", refers=state.entry.uid if state else None))


def _assignable(connection: Connection, gap_id: str, reader: str) -> dict[str, Any] | None:
    status = current.current(connection, gap_id)
    if status is None or status.uid is None or status.status not in {"decided", "contested"}:
        return None
    assigned = select(AssignmentTable.id).where(AssignmentTable.uid == status.uid, AssignmentTable.reader == reader)
    read_before = select(EntryTable.seq).where(EntryTable.target == gap_id, EntryTable.editor == reader)
    if connection.execute(assigned).first() or connection.execute(read_before).first():
        return None
    return {"gap_id": gap_id, "document_id": status.document_id, "uid": status.uid}


def _assignment(row: RowMapping) -> Assignment:
    return Assignment(row["id"], row["gap_id"], row["document_id"], row["reader"], row["assigned_by"], row["at"], row["outcome"])


def _first_reading(connection: Connection, assignment_id: int, proposal: Proposal) -> str:
    """Return the uid of the decision that an assignment has judged. Raises NotFound, NotAllowed, Invalid if it cannot be handed in."""
    row = connection.execute(select(AssignmentTable).where(AssignmentTable.id == assignment_id)).first()
    if row is None or row.gap_id != proposal.gap_id:
        raise NotFound(f"no assignment {assignment_id} of this gap")
    if row.reader != proposal.editor:
        raise NotAllowed("this gap was given to another reader")
    if row.outcome is not None:
        raise Invalid("this second reading was handed in before")
    return str(row.uid)


def _append_comparison(connection: Connection, draft: LogEntry) -> Comparison:
    state = replay(current.history(connection, draft.target))
    if state is None or state.entry.uid != draft.refers:
        log.append(connection, replace(draft, action="contest", stale=True))
        return "void"
    action: Literal["confirm", "contest"] = "confirm" if comparable_reading(draft) == comparable_reading(state.entry) else "contest"
    append.append_entry(connection, replace(draft, action=action))
    return action
