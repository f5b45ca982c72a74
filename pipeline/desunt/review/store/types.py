"""All values and errors of the store under one name, for the pages."""

from __future__ import annotations

from desunt.review.store.entries import (
    Assignment,
    ChainCheck,
    DetachedEntry,
    Disagreement,
    EditProposal,
    ImportResult,
    NewGap,
    PlaceStatus,
    Proposal,
    SeriesOutcome,
)
from desunt.review.store.errors import Conflict, Invalid, NotAllowed, NotFound, Stale, Throttled, Unavailable
from desunt.review.store.validation import MAX_NAME_LETTERS, clean_name
from desunt.review.store.values import (
    QUEUE_WORD_ALIASES,
    ROLES,
    GapKind,
    GapRow,
    IndexedDocument,
    Occurrence,
    Order,
    QueueCounts,
    QueueFilter,
    QueuePage,
    RefreshResult,
    Role,
    SeriesMember,
    SeriesRow,
    SignIn,
    Status,
    User,
)

__all__ = [
    "MAX_NAME_LETTERS", "QUEUE_WORD_ALIASES", "ROLES", "Assignment", "ChainCheck", "Conflict", "DetachedEntry",
    "Disagreement", "EditProposal", "GapKind", "GapRow", "ImportResult", "IndexedDocument", "Invalid", "NewGap",
    "NotAllowed", "NotFound", "Occurrence", "Order", "PlaceStatus", "Proposal", "QueueCounts", "QueueFilter", "QueuePage",
    "RefreshResult", "Role", "SeriesMember", "SeriesOutcome", "SeriesRow", "SignIn", "Stale", "Status", "Throttled", "Unavailable",
    "User", "clean_name",
]  # fmt: skip
