"""The gaps as a table, a row a gap, for spreadsheets: what is a guess stands in columns whose names say CONJECTURE."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Literal

from desunt.export import Mode, Pictures
from desunt.export.editor_changes import gaps_made
from desunt.export.gap_entries import Entry, candidates_of, decision_of, each_entry, opinion_of, refusal_reason
from desunt.export.markdown_escape import visible
from desunt.export.modes import reading_of
from desunt.export.notes import said_by
from desunt.export.wording import extent_in_words, title_of
from desunt.record.conjecture import LABEL
from desunt.record.files import Record

# A spreadsheet takes a cell that begins so for a formula, and runs it (OWASP, CSV Injection); the full-width signs count as well.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
FACTS = ("document", "title", "page", "line", "gap", "reason", "extent", "printed", "before", "after", "engine reading (evidence)")
DECISION = ("refusal", "decision", "basis", "decided text", "editor", "decided at", "confirmed by", "note")
# Columns for candidates that every table has, so that tables of several documents can be joined; longer lists get more.
CANDIDATES = 5
# What stands for the number of a gap that is not the page's own.
MADE = "made by an editor"


class CsvExporter:
    """Write CSV (RFC 4180) in UTF-8 with a byte order mark, by which spreadsheets know it."""

    name = "csv"
    suffix = ".gaps.csv"
    kind: Literal["reading", "apparatus"] = "apparatus"
    modes: tuple[Mode, ...] = ("apparatus",)
    one_per: Literal["document", "page"] = "document"

    def export(self, record: Record, pictures: Pictures, mode: Mode) -> Iterator[bytes]:
        """Yield the header and a row a gap, the page's own first; a cell that would be a formula begins with an apostrophe."""
        width = max([CANDIDATES, *(len(candidates_of(entry.segment)) for entry in each_entry(record))])
        yield "\ufeff".encode() + _row(header(width))
        for entry in each_entry(record):
            yield _row([*_facts(record, entry, str(entry.number)), *_candidates(entry, width), *_decision(entry)])
        for entry, _ in gaps_made(record):
            yield _row([*_facts(record, entry, MADE), *_candidates(entry, width), *_decision(entry)])


def header(width: int) -> list[str]:
    """Return the names of the columns for `width` candidates."""
    named = (f"{LABEL} {rank}{about}" for rank in range(1, width + 1) for about in ("", " probability"))
    return [*FACTS, *named, "none of these", *DECISION]


def _row(cells: list[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([safe_cell(cell) for cell in cells])
    return buffer.getvalue().encode()


def safe_cell(text: str) -> str:
    """Return a cell's text as it can be shown; one that a spreadsheet would run begins with an apostrophe."""
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(FORMULA) else shown


def _facts(record: Record, entry: Entry, number: str) -> list[str]:
    gap = entry.gap
    place = [record.document.id, title_of(record.document), str(entry.page), str(entry.line), number]
    context = [" / ".join(entry.before), " / ".join(entry.after)]
    return [*place, gap.reason, extent_in_words(gap), gap.printed, *context, gap.engine_reading or ""]


def _candidates(entry: Entry, width: int) -> list[str]:
    found, opinion = candidates_of(entry.segment), opinion_of(entry.segment)
    cells = [cell for one in found for cell in (one.text, f"{one.probability:.4f}")]
    return [*cells, *[""] * (2 * (width - len(found))), f"{opinion.none_of_these:.4f}" if opinion else ""]


def _decision(entry: Entry) -> list[str]:
    decision, refusal = decision_of(entry.segment), refusal_reason(entry.segment) or ""
    if decision is None:
        return [refusal, *[""] * (len(DECISION) - 1)]
    basis = {"ink": "read in the ink", "guess": f"a {LABEL.lower()} accepted as such", None: ""}[decision.basis]
    reading = reading_of(decision)
    text = said_by(reading, decision) if reading else ""
    return [refusal, decision.verdict, basis, text, decision.editor, decision.at, "; ".join(decision.confirmed_by), decision.note]
