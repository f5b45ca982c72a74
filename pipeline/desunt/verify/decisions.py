"""Prove the snapshot of decisions: each is an editor's, with a name, a time and a basis, and about a place that the document has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from desunt.record.conjecture import Decision
from desunt.record.decision_log_file import DECISION_LOG_FILE, DecisionLog
from desunt.record.document import Document, Gap, lines_with_pages
from desunt.record.edits import apply_edits
from desunt.record.files import Record
from desunt.verify.findings import Breach, Finding, Remark

READING_VERDICTS = ("accepted", "amended", "corrected")


def verify_decisions(record: Record, file: str) -> Iterator[Finding]:
    """Yield what is wrong with decisions and edits, and a note for each that no longer finds its place."""
    edited, lost = apply_edits(record.document, record.edits)
    for edit in lost:
        yield Remark(file, f"edit {edit.id}", "finds its place no more: the page was read otherwise since")
    for edit in record.edits:
        if not edit.editor.strip():
            yield Breach(file, f"edit {edit.id}", "names no editor")
    reasons = {**_reasons_by_token(record.document), **_reasons_by_token(edited)}
    for token_id, decision in (record.decisions or {}).items():
        yield from (Breach(file, f"decision about {token_id}", problem) for problem in _problems(token_id, decision))
        if token_id not in reasons:
            yield Remark(file, f"decision about {token_id}", "finds its place no more: the page was read otherwise since")
        elif decision.verdict in READING_VERDICTS and reasons[token_id] == "withheld":
            yield Breach(file, f"decision about {token_id}", "gives a reading for what was withheld")


def _problems(token_id: str, decision: Decision) -> Iterator[str]:
    if decision.gap_id != token_id:
        yield f"is about another place, {decision.gap_id}"
    if not decision.editor.strip() or not decision.at.strip():
        yield "names no editor, or no time"
    if decision.verdict in READING_VERDICTS and not (decision.text or "").strip():
        yield f"is {decision.verdict} and has no text"
    if decision.verdict in READING_VERDICTS and decision.basis is None:
        yield f"is {decision.verdict} and does not say whether it was read in the ink or is a guess"


def _reasons_by_token(document: Document) -> dict[str, str]:
    tokens = (token for _, line in lines_with_pages(document) for token in line.tokens)
    return {token.id: token.reason if isinstance(token, Gap) else "" for token in tokens}


def verify_against_log(record: Record, log: DecisionLog, file: str) -> Iterator[Breach]:
    """Yield each decision that is not what the desk's log comes to for this document."""
    current = log.decisions_about(record.document.id)
    logged, edits = current.decisions, current.edits
    recorded: Mapping[str, Decision] = record.decisions or {}
    for token_id in sorted(recorded.keys() | logged.keys()):
        if token_id not in logged:
            yield Breach(file, f"decision about {token_id}", f"does not stand in {DECISION_LOG_FILE}, the desk's log")
        elif token_id not in recorded:
            yield Breach(file, f"decision about {token_id}", f"is missing; it stands in {DECISION_LOG_FILE}, the desk's log")
        elif recorded[token_id] != logged[token_id]:
            yield Breach(file, f"decision about {token_id}", f"says something else than {DECISION_LOG_FILE}, the desk's log")
    if record.edits != edits:
        yield Breach(file, "edits", f"are others than those that stand in {DECISION_LOG_FILE}, the desk's log")
