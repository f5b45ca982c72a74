"""All values and refusals of the store under one name, for the pages."""

from __future__ import annotations

from desunt.review.store.entries import (
    DECISIONS_SCHEMA,
    Action,
    Assignment,
    Chain,
    Detached,
    Disagreement,
    EditProposal,
    Entry,
    Imported,
    NewGap,
    Outcome,
    Proposal,
    Standing,
)
from desunt.review.store.errors import Away, Changed, Conflict, Invalid, NotAllowed, Throttled, Unknown
from desunt.review.store.values import (
    ORDERS,
    ROLES,
    STATUSES,
    Counts,
    DocumentRow,
    GapKind,
    GapRow,
    Member,
    Occurrence,
    Order,
    Query,
    QueuePage,
    Refreshed,
    Role,
    SeriesRow,
    SignIn,
    Status,
    User,
)

__all__ = [
    "DECISIONS_SCHEMA", "ORDERS", "ROLES", "STATUSES", "Action", "Assignment", "Away", "Chain", "Changed", "Conflict", "Counts",
    "Detached", "Disagreement", "DocumentRow", "EditProposal", "Entry", "GapKind", "GapRow", "Imported", "Invalid", "Member",
    "NewGap", "NotAllowed", "Occurrence", "Order", "Outcome", "Proposal", "Query", "QueuePage", "Refreshed", "Role", "SeriesRow",
    "SignIn", "Standing", "Status", "Throttled", "Unknown", "User",
]  # fmt: skip
