"""The table of gaps and the reading text in Markdown: safe in a spreadsheet and in a reader, and complete."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from markdown_it import MarkdownIt

from desunt.export import load_exporter
from desunt.export.editor_changes import editor_gaps
from desunt.export.formats.csv import EDITOR_GAP_NUMBER
from desunt.record.conjecture import CONJECTURE_LABEL, Candidate, Conjecture, Decision, Refusal
from desunt.record.files import Record
from tests.support.record_strategies import records
from tests.support.records import MODEL, sample_record

DECISIONS = {"g1": Decision("g1", "accepted", "guess", "quondam", "M. Editor", "2024-05-01T10:00:00Z", note="see\tp. 2")}


def table(record: Record) -> list[dict[str, str]]:
    made = b"".join(load_exporter("csv").export(record, lambda _: None, "apparatus")).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(made, newline="")))


def test_a_row_tells_a_gap():
    first, *_ = table(replace(sample_record(), decisions=DECISIONS))
    assert (first["document"], first["page"], first["line"], first["reason"], first["extent"]) == (
        "letter.tif", "1", "2", "illegible", "5 to 7 characters",
    )  # fmt: skip
    assert (first[f"{CONJECTURE_LABEL} 1"], first[f"{CONJECTURE_LABEL} 1 probability"], first["none of these"]) == (
        "quondam",
        "0.6200",
        "0.1700",
    )
    assert (first["engine reading (evidence)"], first["decision"], first["editor"]) == ("qu@nd", "accepted", "M. Editor")
    assert (first["basis"], first["decided text"]) == ("a conjecture accepted as such", f"{CONJECTURE_LABEL}, accepted: quondam")
    assert first["note"] == "see p. 2"


def test_refusal_and_withheld_stand_in_the_table():
    rows = table(sample_record())
    assert len(rows) == 7
    assert rows[1]["refusal"] == "withheld: never filled"
    assert rows[2]["refusal"].startswith("candidates too close")
    assert rows[2][f"{CONJECTURE_LABEL} 1"] == "zephyr"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "＝1", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(text):
    opinions = {"g1": Conjecture("g1", (Candidate(text, 0.5),), 0.5, MODEL, ("", "")), "g3": Refusal("g3", text)}
    decided = {"g4": Decision("g4", "amended", "ink", text, text, text, note=text)}
    for row in table(replace(sample_record(), opinions=opinions, decisions=decided)):
        assert not [cell for cell in row.values() if cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r", "＝"))]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(records(decided=True))
def test_hostile_text_stays_in_its_cell(record):
    rows = table(record)
    assert len([row for row in rows if row["gap"] != EDITOR_GAP_NUMBER]) == len(record.document.gaps)
    assert len([row for row in rows if row["gap"] == EDITOR_GAP_NUMBER]) == len(list(editor_gaps(record)))
    for row in rows:
        assert None not in row
        assert not [cell for cell in row.values() if cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(records(decided=True))
@pytest.mark.parametrize("mode", ["diplomatic", "accepted", "apparatus"])
def test_reading_text_in_markdown_is_paragraphs_and_nothing_else(mode, record):
    made = b"".join(load_exporter("markdown").export(record, lambda _: None, mode)).decode()
    body = made.partition("\n---\n")[2].rpartition("\n---\n")[0]
    tokens = MarkdownIt("commonmark").parse(body)
    inside = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close", "hr"}
    assert not [one for one in inside if one.type in ("html_inline", "link_open", "image", "em_open", "strong_open")]
