"""The report of a collection: what became of every page, what needs review first, and why pages failed (`report.html`, `report.csv`)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from desunt.__version__ import __version__
from desunt.export.formats.csv import safe_cell
from desunt.record.atomic import publish_part, write_part
from desunt.record.edits import DecisionLookup
from desunt.record.folder import document_folders
from desunt.run.events import describe_unread_pages
from desunt.run.report.rows import DocumentReport, PageReport, document_report
from desunt.run.report.totals import Totals

REPORT_NAME, TABLE_NAME = "report.html", "report.csv"
TABLE_HEADER = (
    "document", "page", "state", "reason", "words", "unclear words", "mean legibility", "gaps", "illegible", "withheld", "other gaps",
    "conjectured", "refused", "decided", "finished",
)  # fmt: skip


def write_report(out: Path, decided: DecisionLookup | None = None) -> tuple[Path, Path]:
    """Write both files beside the results, and return them.

    Documents are read one after another, and of each a page after another: memory does not grow with the collection. With `decided`, what
    stands at the desk counts; else what `decisions.json` says.
    """
    totals = Totals()
    table = write_part(out / TABLE_NAME, _table(out, totals, decided))
    html = _environment().get_template("report.html.j2").render(totals=totals, version=__version__)
    report = write_part(out / REPORT_NAME, (html.encode(),))
    publish_part(table, out / TABLE_NAME)
    publish_part(report, out / REPORT_NAME)
    return out / REPORT_NAME, out / TABLE_NAME


def _table(out: Path, totals: Totals, decided: DecisionLookup | None) -> Iterator[bytes]:
    """Yield the rows of the table as they are counted."""
    yield "\ufeff".encode() + _row(TABLE_HEADER)
    for folder in document_folders(out):
        document = document_report(folder, decided)
        for page in document.pages():
            totals.add_page(page)
            yield _row(_cells(document, page))
        totals.add_document(document)


def _cells(document: DocumentReport, page: PageReport) -> tuple[str, ...]:
    legibility = "" if page.legibility is None else f"{page.legibility:.3f}"
    words = (page.words, page.unclear)
    gaps = (sum(page.gaps.values()), page.gaps["illegible"], page.gaps["withheld"], page.other_gaps)
    opinions = (page.conjectured, page.refused, page.decided)
    return (
        document.id, str(page.number), page.state, page.remark, *map(str, words), legibility, *map(str, gaps), *map(str, opinions),
        page.finished,
    )  # fmt: skip


def _row(cells: tuple[str, ...]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([safe_cell(cell) for cell in cells])
    return buffer.getvalue().encode()


@cache
def _environment() -> Environment:
    loader = PackageLoader("desunt.run.report")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["thousands"] = "{:,}".format
    environment.filters["unread"] = describe_unread_pages
    environment.filters["per_cent"] = "{:.1%}".format
    return environment
