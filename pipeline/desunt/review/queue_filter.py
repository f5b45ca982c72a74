"""The part of a queue that an address asks for, and back into an address."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlencode

from fastapi import Depends
from fastapi import Query as Asked

from desunt.record.document import Reason
from desunt.review.auth import Desk, Reader
from desunt.review.environment import document_key
from desunt.review.store.types import ORDERS, STATUSES, GapKind, Order, Query, Status

ORDER_WORDS: dict[Order, str] = {"cheap": "surest first", "document": "reading order", "doubt": "least certain first"}
STATUS_WORDS: dict[Status, str] = {
    "open": "open", "decided": "decided", "left-open": "left open", "contested": "contested", "aside": "withheld or blank",
}  # fmt: skip
KIND_WORDS: dict[GapKind, str] = {"name": "names", "number": "figures and dates", "word": "other words"}
LENGTHS: dict[str, tuple[int | None, int | None]] = {"1-4": (1, 4), "5-9": (5, 9), "10-19": (10, 19), "20-": (20, None)}
REASONS: tuple[Reason, ...] = get_args(Reason)

Length = Literal["", "1-4", "5-9", "10-19", "20-"]
Key = Annotated[str, Asked(pattern="^([0-9a-f]{12})?$", description="key of a document")]
Text = Annotated[str, Asked(max_length=100)]


@dataclass(frozen=True, slots=True)
class Filter:
    """What a queue's address says; empty asks for everything, as a form sends it."""

    order: Order = "cheap"
    status: Status | Literal["", "any"] = ""
    document: str = ""
    reason: Reason | Literal[""] = ""
    kind: GapKind | Literal[""] = ""
    length: Length = ""
    offered: Literal["", "yes", "no"] = ""
    mine: Literal["", "yes"] = ""
    text: str = ""

    @property
    def address(self) -> str:
        """Return what stands behind the question mark; nothing for the queue as it is without filters."""
        return self.with_(())

    def with_(self, changes: tuple[tuple[str, str], ...], **more: str) -> str:
        """Return the address with some parts changed, `more` appended; starts with `?` unless empty."""
        changed = replace(self, **dict(changes))  # type: ignore[arg-type]  # the values come from the same tables
        plain = [(one.name, str(getattr(changed, one.name))) for one in fields(changed) if getattr(changed, one.name) != one.default]
        said = urlencode([*plain, *more.items()])
        return f"?{said}" if said else ""

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Return the filters that are on, by name, for hidden fields of a form."""
        return tuple((one.name, str(getattr(self, one.name))) for one in fields(self) if getattr(self, one.name) != one.default)


def filter_of(
    order: Order = "cheap", status: Status | Literal["", "any"] = "", document: Key = "", reason: Reason | Literal[""] = "",
    kind: GapKind | Literal[""] = "", length: Length = "", offered: Literal["", "yes", "no"] = "", mine: Literal["", "yes"] = "",
    text: Text = "",
) -> Filter:  # fmt: skip
    """Read a filter from an address."""
    return Filter(order, status, document, reason, kind, length, offered, mine, text)


Filtered = Annotated[Filter, Depends(filter_of)]


def query_of(asked: Filtered, desk: Desk, person: Reader) -> Query:
    """Return what the store is asked; raises Unknown for a document that is not there."""
    least, most = LENGTHS.get(asked.length, (None, None))
    return Query(
        order=asked.order,
        # Whoever looks for their own decisions does not look among the open gaps.
        status=None if asked.status == "any" or (asked.mine and not asked.status) else asked.status or "open",
        document=desk.library.find(asked.document).document_id if asked.document else None,
        reason=asked.reason or None,
        kind=asked.kind or None,
        least=least,
        most=most,
        mine=person.name if asked.mine else None,
        refused=None if not asked.offered else asked.offered == "no",
        text=asked.text.strip(),
    )


Sought = Annotated[Query, Depends(query_of)]


def choices() -> dict[str, list[tuple[str, str]]]:
    """Return what each filter can be, with its words."""
    from desunt.export.wording import REASONS as REASON_WORDS

    table: dict[str, list[tuple[str, Any]]] = {
        "order": [(name, ORDER_WORDS[name]) for name in ORDERS],
        "status": [("", "open"), ("any", "any"), *((name, STATUS_WORDS[name]) for name in STATUSES if name != "open")],
        "reason": [("", "any"), *((name, REASON_WORDS[name]) for name in REASONS)],
        "kind": [("", "any"), *KIND_WORDS.items()],
        "length": [("", "any"), ("1-4", "1 to 4 letters"), ("5-9", "5 to 9"), ("10-19", "10 to 19"), ("20-", "20 and more")],
        "offered": [("", "any"), ("yes", "a reading is offered"), ("no", "refused")],
        "mine": [("", "anybody's"), ("yes", "my decisions")],
    }
    return table


def filter_for(document_id: str) -> Filter:
    """Return the filter that shows one document's open gaps in reading order."""
    return Filter(order="document", document=document_key(document_id))
