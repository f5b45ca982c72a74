"""The gaps as a table, a row a gap, for spreadsheets: what is a guess stands in columns whose names say CONJECTURE."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Literal

from desunt.export import ImageSource, Mode
from desunt.export.editor_changes import editor_gaps
from desunt.export.gap_entries import ApparatusEntry, candidates_of, decision_of, iter_entries, opinion_of, refusal_reason
from desunt.export.markdown_escape import visible_text
from desunt.export.modes import editor_reading
from desunt.export.notes import labelled_reading
from desunt.export.wording import extent_in_words, title_of
from desunt.record.conjecture import CONJECTURE_LABEL
from desunt.record.files import Record

# A spreadsheet takes a cell that begins so for a formula, and runs it (OWASP, CSV Injection); the full-width signs count as well.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
FACT_COLUMNS = ("document", "title", "page", "line", "gap", "reason", "extent", "printed", "before", "after", "engine reading (evidence)")
DECISION_COLUMNS = ("refusal", "decision", "basis", "decided text", "editor", "decided at", "confirmed by", "note")
# Columns for candidates that every table has, so that tables of several documents can be joined; longer lists get more.
MIN_CANDIDATES = 5
# What stands for the number of a gap that is not the page's own.
EDITOR_GAP_NUMBER = "made by an editor"


class CsvExporter:
    """Write CSV (RFC 4180) in UTF-8 with a byte order mark, by which spreadsheets know it."""

    name = "csv"
    suffix = ".gaps.csv"
    kind: Literal["reading", "apparatus"] = "apparatus"
    modes: tuple[Mode, ...] = ("apparatus",)
    one_per: Literal["document", "page"] = "document"

    def export(self, record: Record, images: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield the header and a row a gap, the page's own first; a cell that would be a formula begins with an apostrophe."""
        width = max([MIN_CANDIDATES, *(len(candidates_of(entry.segment)) for entry in iter_entries(record))])
        yield "\ufeff".encode() + _csv_row(column_names(width))
        for entry in iter_entries(record):
            yield _csv_row([*_fact_cells(record, entry, str(entry.number)), *_candidate_cells(entry, width), *_decision_cells(entry)])
        for entry, _ in editor_gaps(record):
            yield _csv_row([*_fact_cells(record, entry, EDITOR_GAP_NUMBER), *_candidate_cells(entry, width), *_decision_cells(entry)])


def column_names(width: int) -> list[str]:
    """Return the names of the columns for `width` candidates."""
    candidate_columns = (f"{CONJECTURE_LABEL} {rank}{suffix}" for rank in range(1, width + 1) for suffix in ("", " probability"))
    return [*FACT_COLUMNS, *candidate_columns, "none of these", *DECISION_COLUMNS]


def _csv_row(cells: list[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([safe_cell(cell) for cell in cells])
    return buffer.getvalue().encode()


def safe_cell(text: str) -> str:
    """Return a cell's text as it can be shown; one that a spreadsheet would run begins with an apostrophe."""
    text_shown = visible_text(text)
    return f"'{text_shown}" if text_shown.lstrip().startswith(FORMULA_STARTS) else text_shown


def _fact_cells(record: Record, entry: ApparatusEntry, number: str) -> list[str]:
    gap = entry.gap
    place = [record.document.id, title_of(record.document), str(entry.page), str(entry.line), number]
    context = [" / ".join(entry.before), " / ".join(entry.after)]
    return [*place, gap.reason, extent_in_words(gap), gap.printed, *context, gap.engine_reading or ""]


def _candidate_cells(entry: ApparatusEntry, width: int) -> list[str]:
    candidates, opinion = candidates_of(entry.segment), opinion_of(entry.segment)
    cells = [cell for candidate in candidates for cell in (candidate.text, f"{candidate.probability:.4f}")]
    return [*cells, *[""] * (2 * (width - len(candidates))), f"{opinion.none_of_these:.4f}" if opinion else ""]


def _decision_cells(entry: ApparatusEntry) -> list[str]:
    decision, refusal = decision_of(entry.segment), refusal_reason(entry.segment) or ""
    if decision is None:
        return [refusal, *[""] * (len(DECISION_COLUMNS) - 1)]
    basis = {"ink": "read in the ink", "guess": f"a {CONJECTURE_LABEL.lower()} accepted as such", None: ""}[decision.basis]
    reading = editor_reading(decision)
    text = labelled_reading(reading, decision) if reading else ""
    return [refusal, decision.verdict, basis, text, decision.editor, decision.at, "; ".join(decision.confirmed_by), decision.note]
