"""The report of a collection: every page once, reasons, and what needs an editor first."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from desunt.cli import app
from desunt.errors import InputError
from desunt.record.conjecture import Decision
from desunt.record.document import Box, Gap, Line, Page, Region, Step, Word
from desunt.record.edits import DocumentDecisions
from desunt.record.files import Record, to_json, write_decisions, write_record
from desunt.record.folder import SourceFile, write_failure, write_page
from desunt.record.lazy import count_pages_without_words
from desunt.record.status import DocumentStatus
from desunt.run.plan import transcript_page_files
from desunt.run.report import write_report
from desunt.run.report.rows import PageReport
from desunt.run.report.totals import MAX_LISTED, MAX_TIME_BARS, Totals
from tests.support.records import SCRIPT, sample_record

RECORD = sample_record()


def home_of(out: Path, name: str, pages: int, problem: str = "") -> Path:
    folder = out / name
    folder.mkdir(parents=True)
    about = SourceFile("desunt-source-1", f"{name}.pdf", f"{name}.pdf", "0" * 64, pages, problem)
    (folder / "source.json").write_bytes(to_json(about))
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A finished document with decisions, one with a failed page, one half read, and one that could not be opened."""
    pages = len(RECORD.document.pages)
    finished = home_of(tmp_path, "finished", pages)
    write_record(RECORD, finished)
    decided = {
        "g1": Decision("g1", "accepted", "guess", "quondam", "M. Editor", "2026-01-01T00:00:00Z"),
        "g3": Decision("g3", "left-open", None, None, "M. Editor", "2026-01-01T00:00:00Z"),
    }
    write_decisions(replace(RECORD, decisions=decided), finished)
    facts, opinions = transcript_page_files(RECORD, "key")
    for number in range(1, pages + 1):
        write_page(finished, number, facts, opinions)
    failed = home_of(tmp_path, "failed", 1)
    write_failure(failed, 1, "key", InputError(f"{SCRIPT}.png, page 1: the image is damaged", remedy="copy it again"))
    half = home_of(tmp_path, "half", 2)
    write_page(half, 1, facts, opinions)
    home_of(tmp_path, "closed", 0, "closed.pdf: the PDF is locked with a password. Unlock it")
    return tmp_path


def rows(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((out / "report.csv").read_text("utf-8-sig"))))


def test_every_page_has_a_row(out: Path) -> None:
    write_report(out)
    found = {(row["document"], row["page"]): row for row in rows(out)}
    states = {key: row["state"] for key, row in found.items()}
    assert states[("failed.pdf", "1")] == states[("closed.pdf", "0")] == "failed"
    assert states[("half.pdf", "1")] == states[("half.pdf", "2")] == "unfinished"
    assert "locked with a password" in found[("closed.pdf", "0")]["reason"]
    page = RECORD.document.pages[0]
    first = found[("finished.pdf", "1")]
    assert int(first["gaps"]) == len(page.gaps)
    assert int(first["words"]) == sum(len(line.tokens) for line in page.lines) - len(page.gaps)
    assert int(first["withheld"]) == sum(gap.reason == "withheld" for gap in page.gaps)
    assert sum(int(row["decided"]) for row in found.values() if row["decided"]) == 2
    assert first["finished"].startswith("20")


def test_the_page_says_the_same_in_words_and_escapes_what_documents_say(out: Path) -> None:
    write_report(out)
    page = (out / "report.html").read_text("utf-8")
    assert "1 accepted" in page
    assert "1 decided otherwise" in page
    assert "not read to the end" in page
    assert "the image is damaged" in page
    assert SCRIPT not in page
    assert "http" not in page.replace("http-equiv", "")


def test_unclear_words_are_those_below_the_vouching_threshold_of_the_run(tmp_path: Path) -> None:
    words = tuple(Word(f"w{n}", "word", None, "tesseract", 0.9, legibility) for n, legibility in enumerate((0.85, 0.92, 0.97)))
    page = Page(1, None, (Region("r", "body", None, (Line("l", None, words),)),))
    for name, vouch in (("usual", "0.9"), ("strict", "0.95")):
        steps = (Step("gaps", "1", (("vouch", vouch),)),)
        write_record(Record(replace(RECORD.document, pages=(page,)), {}, steps), home_of(tmp_path, name, 1))
    write_report(tmp_path)
    assert {row["document"]: row["unclear words"] for row in rows(tmp_path)} == {"usual.pdf": "1", "strict.pdf": "2"}


def test_what_the_desk_says_outranks_the_snapshot(out: Path) -> None:
    write_report(out, lambda _: DocumentDecisions({}))
    assert all(row["decided"] in ("", "0") for row in rows(out))
    write_report(out, lambda _: None)
    assert sum(int(row["decided"]) for row in rows(out) if row["decided"]) == 2


@pytest.fixture
def handwritten(tmp_path: Path) -> Path:
    """A document of three finished pages: typed, handwriting alone, and blank; what the typed one says looks like a key of the record."""
    typed = RECORD.document.pages[0]
    (block,) = typed.regions[:1]
    hand = Region("h", "handwriting", None, (Line("hl", None, (Gap("h1", Box(0, 0, 9, 9), None, "handwriting"),)),))
    said = replace(block, lines=(Line("s", None, (Word("s1", '"engine_confidence":', None, "tesseract"),)),))
    pages = (replace(typed, regions=(said,)), Page(2, typed.image, (hand,)), Page(3, typed.image, ()))
    folder = home_of(tmp_path, "letters", 3)
    write_record(Record(replace(RECORD.document, pages=pages), {}), folder)
    return tmp_path


def test_pages_with_nothing_read_are_told(handwritten: Path) -> None:
    assert count_pages_without_words(handwritten / "letters") == 2
    said = CliRunner().invoke(app, ["status", str(handwritten)]).output.splitlines()
    assert said == [
        "done          letters: 3/3 pages, 0 gaps open, 2 pages with nothing read",
        "1 documents: 1 done; 0 gaps open; 2 pages with nothing read",
    ]
    assert json.loads(CliRunner().invoke(app, ["status", str(handwritten), "--json"]).output)[0]["nothing_read"] == 2
    write_report(handwritten)
    assert [(row["state"], row["reason"]) for row in rows(handwritten)] == [
        ("done", ""),
        ("done", "nothing read; located: handwriting 1"),
        ("done", "nothing read; located: nothing"),
    ]
    page = (handwritten / "report.html").read_text("utf-8")
    assert "0 decided by editors; 2 pages with nothing read." in page
    assert "1 gap: 1 not to be filled; 2 pages with nothing read" in page


def test_collection_without_such_pages_says_nothing_of_them(out: Path) -> None:
    write_report(out)
    assert "nothing read" not in (out / "report.html").read_text("utf-8") + (out / "report.csv").read_text("utf-8-sig")
    assert "nothing read" not in CliRunner().invoke(app, ["status", str(out)]).output


def test_the_command(out: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(out)])
    assert done.exit_code == 0
    assert done.output.split() == [str(out / "report.html"), str(out / "report.csv")]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no results here" in str(CliRunner().invoke(app, ["report", str(empty)]).exception)


def test_long_collections_are_told_in_bounded_lists() -> None:
    totals = Totals()

    class Document:
        id, folder = "a.pdf", Path("a")
        status = DocumentStatus("a", "a.pdf", "needs review", 1, 1, 0, 1)
        gap_summary = "1 gap: 1 left open"

    for number in range(3 * MAX_LISTED):
        totals.add_page(PageReport(1, "needs review", words=100, unclear=number % 97, refused=1, finished_at=1.0 + 3600 * number))
        totals.add_document(Document())  # type: ignore[arg-type]
    assert len(totals.review_first) == len(totals.sentences) == MAX_LISTED
    assert totals.review_first[0].unclear == 96
    assert len(totals.time_bars) <= MAX_TIME_BARS
    assert totals.pages == totals.documents == 3 * MAX_LISTED
