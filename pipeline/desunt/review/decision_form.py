"""From what a form or a program hands in to a proposal for the store: what it may say, and what was shown."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from desunt.record.conjecture import Basis, Conjecture, Opinion, split_by_support
from desunt.record.document import Gap
from desunt.review.environment import Environment
from desunt.review.store.types import GapRow, Invalid, NotFound, Proposal, Stale
from desunt.review.views.list_key import list_key
from desunt.review.views.text import find_token

MAX_TEXT_LETTERS = 2000
MAX_NOTE_LETTERS = 4000

Uid = Annotated[str, Field(pattern="^([0-9a-f]{32})?$")]


class DecisionForm(BaseModel):
    """What an editor decides about a gap.

    `accept` is the candidate that is taken, word for word; `text` what was typed. `shown` says whether the list was part of
    the page, `blind` what was typed before it appeared (with `typed_blind`). `deliberate` takes a candidate
    that is only possible, or was not offered. `seen` is the `list_key` of the list that was shown: where another one is there now,
    nothing is logged.
    `uid`, 32 hexadecimal digits of the caller's choice, makes a repeated request decide once.
    """

    model_config = ConfigDict(extra="ignore")

    verdict: Literal["accepted", "amended", "rejected", "left-open", "withheld", "blank", "handwriting", ""] = ""
    accept: str = Field("", max_length=MAX_TEXT_LETTERS)
    text: str = Field("", max_length=MAX_TEXT_LETTERS)
    basis: Basis = "guess"
    note: str = Field("", max_length=MAX_NOTE_LETTERS)
    version: str = Field("", max_length=100)
    shown: bool = False
    typed_blind: bool = False
    blind: str = Field("", max_length=MAX_TEXT_LETTERS)
    deliberate: bool = False
    uid: Uid = ""
    seen: str = Field("", pattern="^([0-9a-f]{12})?$")


def to_proposal(desk: Environment, editor: str, row: GapRow, form: DecisionForm) -> Proposal:
    """Return the decision as the store takes it; raises Invalid where it says nothing, or takes by a key what one must look at twice."""
    place = find_token(desk.store.index.edited_record(row.document_id), row.gap_id)
    if place is None or not isinstance(place.token, Gap):
        raise NotFound(f"gap {row.gap_id} is no longer on its page", remedy="an editor changed the gaps of this line")
    opinion = desk.store.index.decided_record(row.document_id).opinions.get(row.gap_id)
    require_same_list(opinion, form.seen)
    verdict = "accepted" if form.accept else form.verdict
    if not verdict:
        raise Invalid("nothing was decided", remedy="accept a candidate, type a reading, or say what the place is")
    text = _reading_text(form, opinion) if verdict in ("accepted", "amended") else None
    return Proposal(
        gap_id=row.gap_id, verdict=verdict, editor=editor, version=form.version,
        basis=form.basis if text is not None else None, text=text,
        note=form.note.strip(), shown=candidates_as_shown(opinion) if form.shown else (),
        blind=_blind_reading(form), document_id=row.document_id, uid=form.uid or None,
    )  # fmt: skip


def _blind_reading(form: DecisionForm) -> str | None:
    """Return what was typed before the list appeared: the reading itself where the editor never asked for the list."""
    if not form.typed_blind:
        return None
    return (form.blind if form.shown else form.text).strip()


def _reading_text(form: DecisionForm, opinion: Opinion | None) -> str:
    if not form.accept:
        if not form.text.strip():
            raise Invalid("a reading needs its text", remedy="type what stands in the ink, or leave the gap open")
        return form.text.strip()
    candidate = next((offer for offer in opinion.candidates if offer.text == form.accept), None) if opinion else None
    if candidate is None:
        # A new run may have replaced the list since the page was shown: what was not seen must not be accepted.
        raise Invalid(f"{form.accept!r} is not among the candidates now", remedy="look at the gap again, or type the reading")
    offered = isinstance(opinion, Conjecture) and not candidate.possible
    if not offered and not form.deliberate:
        raise Invalid(f"{form.accept!r} is only possible: it is not taken by a single key", remedy="open the list and take it there")
    return candidate.text


def require_same_list(opinion: Opinion | None, seen: str) -> None:
    """Raise Stale if another list was shown than there is now; nothing was shown where `seen` is empty."""
    if seen and seen != list_key(opinion):
        raise Stale("a new run has changed what is supposed about this gap since the page was shown", remedy="Look at it again")


def candidates_as_shown(opinion: Opinion | None) -> tuple[str, ...]:
    """Return the candidates in the order in which the page shows them: those that are only possible come last."""
    supported, possible = split_by_support(opinion.candidates if opinion else ())
    return tuple(candidate.text for candidate in (*supported, *possible))
