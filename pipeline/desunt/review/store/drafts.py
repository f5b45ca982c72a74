"""From what an editor hands in to an entry of the chain: checked, and completed with what the machine itself knows of the place."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from desunt.record.conjecture import Opinion, Refusal
from desunt.record.document import Box, Gap, Token, lines_with_pages
from desunt.record.files import Record
from desunt.review.store.entries import DECISIONS_SCHEMA, Entry, Proposal
from desunt.review.store.errors import Invalid, Unknown
from desunt.review.store.index import Index
from desunt.review.store.validation import UID, clean

WITH_TEXT = ("accepted", "amended", "corrected")
VERDICTS = (*WITH_TEXT, "rejected", "left-open", "withheld", "blank", "handwriting")


@dataclass(frozen=True, slots=True)
class Place:
    """A gap or word, and all that is known of it when a decision about it is made."""

    document_id: str
    token: Token
    opinion: Opinion | None
    settings: tuple[tuple[str, str], ...]
    record_sha256: str
    scan_sha256: str | None
    frame: int | None
    page: int


def place_of(index: Index, proposal: Proposal) -> Place:
    """Return the place a proposal is about. Raises Unknown."""
    document_id = proposal.document_id if proposal.verdict == "corrected" else index.gap(proposal.gap_id).document_id
    record = index.shown(document_id)
    for page, line in lines_with_pages(record.document):
        for token in line.tokens:
            if token.id == proposal.gap_id:
                scan = page.image
                return Place(
                    document_id, token, record.opinions.get(token.id), settings_of(record), index.record_sha256(document_id),
                    scan.sha256 if scan else None, scan.frame if scan else None, page.number,
                )  # fmt: skip
    raise Unknown(f"no gap or word {proposal.gap_id!r} in {document_id}", remedy="Its page may have been read anew")


def settings_of(record: Record) -> tuple[tuple[str, str], ...]:
    """Return the settings of all steps, each under the step's name."""
    return tuple((f"{step.name}.{name}", value) for step in record.steps for name, value in (("version", step.version), *step.settings))


def check(proposal: Proposal, place: Place) -> None:
    """Raise Invalid if the proposal cannot mean anything at this place."""
    if proposal.verdict not in VERDICTS:
        raise Invalid(f"{proposal.verdict!r} is no verdict", remedy=f"There are {', '.join(VERDICTS)}")
    if proposal.uid is not None and not UID.fullmatch(proposal.uid):
        raise Invalid("a decision's own id is 32 hexadecimal digits")
    if not proposal.editor.strip():
        raise Invalid("a decision needs the name of its editor")
    if (proposal.verdict == "corrected") == isinstance(place.token, Gap):
        raise Invalid("a word is corrected, a gap is accepted or amended")
    _check_text(proposal)
    if proposal.verdict == "accepted" and proposal.text not in (
        candidates := [c.text for c in place.opinion.candidates] if place.opinion else []
    ):
        raise Invalid(f"{proposal.text!r} is none of the {len(candidates)} candidates", remedy="Amend it: type the reading as your own")


def _check_text(proposal: Proposal) -> None:
    if proposal.verdict in WITH_TEXT:
        if not (proposal.text or "").strip():
            raise Invalid(f"{proposal.verdict} needs a text")
        if proposal.basis not in {"ink", "guess"}:
            raise Invalid("say on what it rests: read in the ink, or a guess accepted")
    elif proposal.text is not None or proposal.basis is not None:
        raise Invalid(f"{proposal.verdict} has neither text nor basis")


def draft(proposal: Proposal, place: Place, at: str, *, stale: bool = False, series: str | None = None) -> Entry:
    """Return the entry of a decision; its number and hashes are given when it is appended."""
    opinion = place.opinion
    shares = {c.text: c.probability for c in opinion.candidates} if opinion else {}
    top = opinion.candidates[0] if opinion and opinion.candidates else None
    return Entry(
        schema=DECISIONS_SCHEMA, seq=0, uid=proposal.uid or uuid.uuid4().hex, action="decide", document_id=place.document_id,
        target=proposal.gap_id, verdict=proposal.verdict, basis=proposal.basis,
        text=clean(proposal.text).strip() if proposal.text else None, note=clean(proposal.note), editor=clean(proposal.editor).strip(),
        at=at, saw=clean(proposal.version), refers=None, stale=stale, series=series,
        shown=tuple(map(clean, proposal.shown)), probabilities=tuple(shares.get(text, 0.0) for text in proposal.shown),
        top=top.text if top else None, probability=top.probability if top else None,
        refused=isinstance(opinion, Refusal) if opinion else None, blind=clean(proposal.blind) if proposal.blind is not None else None,
        model=opinion.model if opinion else None, settings=place.settings, record_sha256=place.record_sha256,
        scan_sha256=place.scan_sha256, frame=place.frame, page=place.page, box=place.token.box, edit=None,
        moved_from=None, origin=None, previous="", hash="",
    )  # fmt: skip


def undoing(old: Entry, editor: str, at: str, note: str, *, saw: str, stale: bool, series: str | None) -> Entry:
    """Return the entry that takes another one back."""
    return replace(
        old, uid=uuid.uuid4().hex, action="revoke", verdict=None, basis=None, text=None, note=note, editor=clean(editor).strip(), at=at,
        saw=saw, refers=old.uid, stale=stale, series=series, shown=(), probabilities=(), top=None, probability=None, refused=None,
        blind=None, model=None, settings=(), edit=None, moved_from=None, origin=None,
    )  # fmt: skip


def bare(
    target: str, document_id: str, editor: str, at: str, *, saw: str, stale: bool, record_sha256: str, box: Box | None = None
) -> Entry:
    """Return an entry that says nothing yet, for what is no decision about one gap."""
    return Entry(
        schema=DECISIONS_SCHEMA, seq=0, uid=uuid.uuid4().hex, action="edit", document_id=document_id, target=target, verdict=None,
        basis=None, text=None, note="", editor=editor, at=at, saw=saw, refers=None, stale=stale, series=None, shown=(), probabilities=(),
        top=None, probability=None, refused=None, blind=None, model=None, settings=(), record_sha256=record_sha256, scan_sha256=None,
        frame=None, page=None, box=box, edit=None, moved_from=None, origin=None, previous="", hash="",
    )  # fmt: skip
