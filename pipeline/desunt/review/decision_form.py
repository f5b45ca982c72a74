"""From what a form or a program hands in to a proposal for the store: what it may say, and what was shown."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from desunt.record.conjecture import Basis, Conjecture, Opinion, by_support
from desunt.record.document import Gap
from desunt.review.environment import Environment
from desunt.review.store.types import Changed, GapRow, Invalid, Proposal, Unknown
from desunt.review.views.shown import list_key
from desunt.review.views.text import place_of

LONGEST_TEXT = 2000
LONGEST_NOTE = 4000

Uid = Annotated[str, Field(pattern="^([0-9a-f]{32})?$")]


class Asked(BaseModel):
    """What an editor decides about a gap.

    `accept` is the candidate that is taken, word for word; `text` what was typed. `shown` says whether the list was part of
    the page, `blind` what was typed before it appeared (with `typed_blind`). `deliberate` takes a candidate
    that is only possible, or was not offered. `seen` is the `list_key` of the list that was shown: where another one is there now,
    nothing is logged.
    `uid`, 32 hexadecimal digits of the caller's choice, makes a repeated request decide once.
    """

    model_config = ConfigDict(extra="ignore")

    verdict: Literal["accepted", "amended", "rejected", "left-open", "withheld", "blank", "handwriting", ""] = ""
    accept: str = Field("", max_length=LONGEST_TEXT)
    text: str = Field("", max_length=LONGEST_TEXT)
    basis: Basis = "guess"
    note: str = Field("", max_length=LONGEST_NOTE)
    version: str = Field("", max_length=100)
    shown: bool = False
    typed_blind: bool = False
    blind: str = Field("", max_length=LONGEST_TEXT)
    deliberate: bool = False
    uid: Uid = ""
    seen: str = Field("", pattern="^([0-9a-f]{12})?$")


def proposal_of(desk: Environment, editor: str, row: GapRow, asked: Asked) -> Proposal:
    """Return the proposal; raises Invalid where it says nothing, or takes by a key what one must look at twice."""
    found = place_of(desk.store.index.shown(row.document_id), row.gap_id)
    if found is None or not isinstance(found[2], Gap):
        raise Unknown(f"gap {row.gap_id} is no longer on its page", remedy="an editor changed the gaps of this line")
    opinion = desk.store.index.record(row.document_id).opinions.get(row.gap_id)
    same_list(opinion, asked.seen)
    verdict = "accepted" if asked.accept else asked.verdict
    if not verdict:
        raise Invalid("nothing was decided", remedy="accept a candidate, type a reading, or say what the place is")
    text = _text(asked, opinion) if verdict in ("accepted", "amended") else None
    return Proposal(
        gap_id=row.gap_id, verdict=verdict, editor=editor, version=asked.version,
        basis=asked.basis if text is not None else None, text=text,
        note=asked.note.strip(), shown=order_shown(opinion) if asked.shown else (),
        blind=_typed_blind(asked), document_id=row.document_id, uid=asked.uid or None,
    )  # fmt: skip


def _typed_blind(asked: Asked) -> str | None:
    """Return what was typed before the list appeared: the reading itself where the editor never asked for the list."""
    if not asked.typed_blind:
        return None
    return (asked.blind if asked.shown else asked.text).strip()


def _text(asked: Asked, opinion: Opinion | None) -> str:
    if not asked.accept:
        if not asked.text.strip():
            raise Invalid("a reading needs its text", remedy="type what stands in the ink, or leave the gap open")
        return asked.text.strip()
    one = next((one for one in opinion.candidates if one.text == asked.accept), None) if opinion else None
    if one is None or opinion is None:
        # A new run may have replaced the list since the page was shown: what was not seen must not be accepted.
        raise Invalid(f"{asked.accept!r} is not among the candidates now", remedy="look at the gap again, or type the reading")
    offered = isinstance(opinion, Conjecture) and not one.possible
    if not offered and not asked.deliberate:
        raise Invalid(f"{asked.accept!r} is only possible: it is not taken by a single key", remedy="open the list and take it there")
    return one.text


def same_list(opinion: Opinion | None, seen: str) -> None:
    """Raise Changed if another list was shown than there is now; nothing was shown where `seen` is empty."""
    if seen and seen != list_key(opinion):
        raise Changed("a new run has changed what is supposed about this gap since the page was shown", remedy="Look at it again")


def order_shown(opinion: Opinion | None) -> tuple[str, ...]:
    """Return the candidates in the order in which the page shows them: those that are only possible come last."""
    supported, possible = by_support(opinion.candidates if opinion else ())
    return tuple(one.text for one in (*supported, *possible))
