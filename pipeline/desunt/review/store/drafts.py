"""From what an editor hands in to an entry of the log: checked, and completed with what the machine itself knows of the place."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from desunt.record.conjecture import Opinion, Refusal
from desunt.record.decision_log import LOG_SCHEMA, LogEntry
from desunt.record.document import Gap, Page, Token, lines_with_pages
from desunt.record.edits import GapEdit
from desunt.record.files import Record
from desunt.review.store.entries import Proposal
from desunt.review.store.errors import Invalid, NotFound
from desunt.review.store.index import CollectionIndex
from desunt.review.store.validation import UID_PATTERN, clean_text, visible_note, visible_text

VERDICTS_WITH_TEXT = ("accepted", "amended", "corrected")
VERDICTS = (*VERDICTS_WITH_TEXT, "rejected", "left-open", "withheld", "blank", "handwriting")


@dataclass(frozen=True, slots=True)
class TokenContext:
    """A gap or word, and all that is known of it when a decision about it is made."""

    document_id: str
    token: Token
    opinion: Opinion | None
    settings: tuple[tuple[str, str], ...]
    record_sha256: str
    scan_sha256: str | None
    frame: int | None
    page: int


def token_context(index: CollectionIndex, proposal: Proposal) -> TokenContext:
    """Return the token a proposal is about, with what is known of it. Raises NotFound."""
    document_id = proposal.document_id if proposal.verdict == "corrected" else index.find_gap(proposal.gap_id).document_id
    record = index.edited_record(document_id)
    for page, line in lines_with_pages(record.document):
        for token in line.tokens:
            if token.id == proposal.gap_id:
                scan = page.image
                return TokenContext(
                    document_id, token, record.opinions.get(token.id), settings_of(record), index.record_sha256(document_id),
                    scan.sha256 if scan else None, scan.frame if scan else None, page.number,
                )  # fmt: skip
    raise NotFound(f"no gap or word {proposal.gap_id!r} in {document_id}", remedy="Its page may have been read anew")


def settings_of(record: Record) -> tuple[tuple[str, str], ...]:
    """Return the settings of all steps, each under the step's name."""
    return tuple((f"{step.name}.{name}", value) for step in record.steps for name, value in (("version", step.version), *step.settings))


def validate(proposal: Proposal, context: TokenContext) -> None:
    """Raise Invalid if the proposal cannot mean anything at this place."""
    if proposal.verdict not in VERDICTS:
        raise Invalid(f"{proposal.verdict!r} is no verdict", remedy=f"There are {', '.join(VERDICTS)}")
    if proposal.uid is not None and not UID_PATTERN.fullmatch(proposal.uid):
        raise Invalid("a decision's own id is 32 hexadecimal digits")
    if not proposal.editor.strip():
        raise Invalid("a decision needs the name of its editor")
    if (proposal.verdict == "corrected") == isinstance(context.token, Gap):
        raise Invalid("a word is corrected, a gap is accepted or amended")
    _validate_text(proposal)
    candidates = [candidate.text for candidate in context.opinion.candidates] if context.opinion else []
    if proposal.verdict == "accepted" and proposal.text not in candidates:
        raise Invalid(f"{proposal.text!r} is none of the {len(candidates)} candidates", remedy="Amend it: type the reading as your own")


def _validate_text(proposal: Proposal) -> None:
    if proposal.verdict in VERDICTS_WITH_TEXT:
        if not visible_text(proposal.text or ""):
            raise Invalid(f"{proposal.verdict} needs a text")
        if proposal.basis not in {"ink", "guess"}:
            raise Invalid("say on what it rests: read in the ink, or a guess accepted")
    elif proposal.text is not None or proposal.basis is not None:
        raise Invalid(f"{proposal.verdict} has neither text nor basis")


def draft_decision(proposal: Proposal, context: TokenContext, at: str, *, stale: bool = False, series: str | None = None) -> LogEntry:
    """Return the entry of a decision; its number and hashes are given when it is appended."""
    opinion = context.opinion
    probabilities = {candidate.text: candidate.probability for candidate in opinion.candidates} if opinion else {}
    top = opinion.candidates[0] if opinion and opinion.candidates else None
    return LogEntry(
        schema=LOG_SCHEMA, seq=0, uid=proposal.uid or uuid.uuid4().hex, action="decide", document_id=context.document_id,
        target=proposal.gap_id, verdict=proposal.verdict, basis=proposal.basis,
        text=_text_to_log(proposal), note=visible_note(proposal.note),
        editor=clean_text(proposal.editor).strip(), at=at, saw=clean_text(proposal.version), refers=None, stale=stale, series=series,
        shown=tuple(map(clean_text, proposal.shown)), probabilities=tuple(probabilities.get(text, 0.0) for text in proposal.shown),
        top=top.text if top else None, probability=top.probability if top else None,
        refused=isinstance(opinion, Refusal) if opinion else None,
        blind=None if proposal.blind is None else visible_text(proposal.blind),
        model=opinion.model if opinion else None, settings=context.settings, record_sha256=context.record_sha256,
        scan_sha256=context.scan_sha256, frame=context.frame, page=context.page, box=context.token.box, edit=None,
        moved_from=None, origin=None, previous="", hash="",
    )  # fmt: skip


def _text_to_log(proposal: Proposal) -> str | None:
    """Return what is logged: a candidate as the machine wrote it, and of what a hand typed or pasted all that can be seen."""
    if not proposal.text:
        return None
    return clean_text(proposal.text).strip() if proposal.verdict == "accepted" else visible_text(proposal.text)


def draft_revocation(revoked: LogEntry, editor: str, at: str, note: str, *, saw: str, stale: bool, series: str | None) -> LogEntry:
    """Return the entry that takes another one back."""
    return replace(
        revoked, uid=uuid.uuid4().hex, action="revoke", verdict=None, basis=None, text=None, note=note,
        editor=clean_text(editor).strip(), at=at, saw=saw, refers=revoked.uid, stale=stale, series=series,
        shown=(), probabilities=(), top=None, probability=None, refused=None, blind=None, model=None, settings=(),
        edit=None, moved_from=None, origin=None,
    )  # fmt: skip


def draft_edit(edit: GapEdit, document_id: str, page: Page, *, saw: str, stale: bool, record_sha256: str) -> LogEntry:
    """Return the entry of a change of gaps."""
    scan = page.image
    return LogEntry(
        schema=LOG_SCHEMA, seq=0, uid=edit.id, action="edit", document_id=document_id, target=edit.line_id, verdict=None, basis=None,
        text=None, note=edit.note, editor=edit.editor, at=edit.at, saw=saw, refers=None, stale=stale, series=None, shown=(),
        probabilities=(), top=None, probability=None, refused=None, blind=None, model=None, settings=(), record_sha256=record_sha256,
        scan_sha256=scan.sha256 if scan else None, frame=scan.frame if scan else None, page=page.number, box=edit.gaps[0].box, edit=edit,
        moved_from=None, origin=None, previous="", hash="",
    )  # fmt: skip
