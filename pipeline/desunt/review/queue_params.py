"""The part of a queue that an address asks for, and back into an address."""

# No `from __future__ import annotations`: FastAPI reads the fields of QueueParams as the parameters of an address.
from dataclasses import dataclass, fields
from typing import Annotated, Literal, TypeAlias, get_args
from urllib.parse import urlencode

from fastapi import Depends, Query
from pydantic import BeforeValidator

from desunt.export.wording import REASON_WORDS
from desunt.record.document import Reason
from desunt.review.auth import Desk, SignedInUser
from desunt.review.store.types import QUEUE_WORD_ALIASES, GapKind, Order, QueueFilter, Status

ORDER_WORDS: dict[Order, str] = {"most_certain": "surest first", "document": "reading order", "least_certain": "least certain first"}
STATUS_WORDS: dict[Status, str] = {
    "open": "open", "decided": "decided", "left-open": "left open", "contested": "contested", "excluded": "withheld or blank",
}  # fmt: skip
KIND_WORDS: dict[GapKind, str] = {"name": "names", "number": "figures and dates", "word": "other words"}
LENGTH_RANGES: dict[str, tuple[int | None, int | None]] = {"1-4": (1, 4), "5-9": (5, 9), "10-19": (10, 19), "20-": (20, None)}
# What each filter is called, and what it can be, with its words; what is left of the choices is typed or read from the collection.
FILTER_LABELS = {
    "order": "Order", "status": "Status", "document": "Document", "reason": "Reason", "kind": "Kind", "length": "Length",
    "offered": "Reading", "mine": "Whose", "text": "Text",
}  # fmt: skip
FILTER_CHOICES: dict[str, list[tuple[str, str]]] = {
    "order": [*ORDER_WORDS.items()],
    "status": [("", "open"), ("any", "any"), *((status, words) for status, words in STATUS_WORDS.items() if status != "open")],
    "reason": [("", "any"), *((reason, REASON_WORDS[reason]) for reason in get_args(Reason))],
    "kind": [("", "any"), *KIND_WORDS.items()],
    "length": [("", "any"), ("1-4", "1 to 4 letters"), ("5-9", "5 to 9"), ("10-19", "10 to 19"), ("20-", "20 and more")],
    "offered": [("", "any"), ("yes", "a reading is offered"), ("no", "refused")],
    "mine": [("", "anybody's"), ("yes", "my decisions")],
}
CURRENT_WORD = BeforeValidator(lambda word: QUEUE_WORD_ALIASES.get(word, word))


@dataclass(frozen=True, slots=True)
class QueueParams:
    """What a queue's address says; empty asks for everything, as a form sends it."""

    order: Annotated[Order, CURRENT_WORD] = "most_certain"
    status: Annotated[Status | Literal["", "any"], CURRENT_WORD] = ""
    document: Annotated[str, Query(pattern="^([0-9a-f]{12})?$", description="key of a document")] = ""
    reason: Reason | Literal[""] = ""
    kind: GapKind | Literal[""] = ""
    length: Literal["", "1-4", "5-9", "10-19", "20-"] = ""
    offered: Literal["", "yes", "no"] = ""
    mine: Literal["", "yes"] = ""
    text: Annotated[str, Query(max_length=100)] = ""

    @property
    def address(self) -> str:
        """Return what stands behind the path; nothing for the queue as it is without filters."""
        return self.address_with()

    def address_with(self, **more: str) -> str:
        """Return the address with `more` behind it; starts with `?` unless empty."""
        own = [(field.name, getattr(self, field.name)) for field in fields(self) if getattr(self, field.name) != field.default]
        query = urlencode([*own, *more.items()])
        return f"?{query}" if query else ""


QueueParameters: TypeAlias = Annotated[QueueParams, Depends()]


def to_queue_filter(params: QueueParameters, desk: Desk, user: SignedInUser) -> QueueFilter:
    """Return the filter as the store takes it; raises NotFound for a document that is not there."""
    least, most = LENGTH_RANGES.get(params.length, (None, None))
    return QueueFilter(
        order=params.order,
        # Whoever looks for their own decisions does not look among the open gaps.
        status=None if params.status == "any" or (params.mine and not params.status) else params.status or "open",
        document=desk.library.find(params.document).document_id if params.document else None,
        reason=params.reason or None,
        kind=params.kind or None,
        least=least,
        most=most,
        mine=user.name if params.mine else None,
        refused=None if not params.offered else params.offered == "no",
        text=params.text.strip(),
    )


RequestedFilter: TypeAlias = Annotated[QueueFilter, Depends(to_queue_filter)]
