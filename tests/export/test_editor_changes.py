"""What editors did beyond the page's own gaps is told: corrected words, gaps they made, and verdicts that are no reading."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from desunt.export import EXPORTERS, export_files, load_exporter
from desunt.export.modes import text_for_mode
from desunt.record.conjecture import CONJECTURE_LABEL, Decision
from desunt.record.document import Box, Gap
from desunt.record.edits import GapEdit
from desunt.record.files import Record
from tests.support.records import sample_record, sample_transcript

MADE = Gap("g9", Box(280, 120, 340, 144), None, "damaged")
EDIT = GapEdit("e1", "add", "l2", ("w7",), None, (MADE,), "M. Editor", "2024-05-04T08:00:00Z", "a tear")
WORD = Decision("w4", "corrected", "ink", "argued", "N. Second", "2024-05-02T10:00:00Z", confirmed_by=("S. Third",))
READ = Decision("g9", "amended", "ink", "letter", "M. Editor", "2024-05-04T09:00:00Z")
NOT_READ = Decision("g1", "rejected", None, "quondamissimus", "M. Editor", "2024-05-01T10:00:00Z")


def worked_on() -> Record:
    return replace(sample_record(), decisions={"w4": WORD, "g9": READ}, edits=(EDIT,))


def written(name: str, record: Record, mode: str) -> str:
    exporter = load_exporter(name)
    files = export_files("letter", exporter, mode, record)
    return b"".join(piece for _, part in files for piece in exporter.export(part, lambda _: None, mode)).decode("utf-8", "replace")


@pytest.mark.parametrize("name", ["apparatus", "html"])
def test_lists_for_people_have_a_section_about_what_editors_changed(name):
    made = written(name, worked_on(), "apparatus")
    section = made[made.index("What editors changed") : made.index("How this was made")]
    for said in ("page 1, line 2", "argued", "N. Second", "confirmed by S. Third", "page 1, line 3", "letter", "M. Editor", "a tear"):
        assert said in section, said
    assert "What editors changed" not in written(name, sample_record(), "apparatus")


def test_guess_in_that_section_carries_its_label():
    guessed = replace(sample_record(), decisions={"g9": replace(READ, basis="guess")}, edits=(EDIT,))
    assert f"{CONJECTURE_LABEL} `letter`" in written("apparatus", guessed, "apparatus")
    assert '<span class="label">CONJECTURE, accepted:</span> <bdi class="quoted">letter' in written("html", guessed, "apparatus")


def test_json_has_every_decision_with_its_place_and_every_edit():
    made = json.loads(written("json", worked_on(), "apparatus"))
    told = [(one["about"], one["place"], one["printed"], one["decision"]["text"]) for one in made["decisions"]]
    assert told == [("word", "page 1, line 2", "agreed", "argued"), ("gap made by an editor", "page 1, line 3", "[ILLEGIBLE]", "letter")]
    assert [one["id"] for one in made["edits"]] == ["e1"]


def test_table_has_a_row_for_a_gap_that_an_editor_made():
    rows = list(csv.DictReader(io.StringIO(written("csv", worked_on(), "apparatus").removeprefix("\ufeff"))))
    assert [row["gap"] for row in rows] == [*map(str, range(1, 8)), "made by an editor"]
    assert (rows[-1]["reason"], rows[-1]["decided text"], rows[-1]["editor"]) == ("damaged", "letter", "M. Editor")


@pytest.mark.parametrize("name", [name for name in EXPORTERS if name != "json"])
def test_text_of_a_verdict_that_is_no_reading_is_told_as_none(name):
    """A candidate that an editor rejected, and that went into the decision's text, is not read by anybody."""
    record = replace(sample_record(), decisions={"g1": NOT_READ})
    for mode in load_exporter(name).modes:
        made = written(name, record, mode)
        assert "quondamissimus" not in made
        assert "quondamissimus".encode("utf-16-be").hex().upper() not in made, "as a PDF writes the strings of its comments"
    assert text_for_mode(record, "accepted") == text_for_mode(record, "diplomatic")


@pytest.mark.parametrize(("after", "text"), [(None, "[ILLEGIBLE] THE port"), ("first", "THE [ILLEGIBLE] port")])
@pytest.mark.parametrize("reading", [None, "old"])
def test_gap_that_an_editor_added_to_a_transcript_stands_apart_with_its_reading(after, text, reading):
    record = sample_transcript(text="THE port [ILLEGIBLE]\n")
    line = record.document.pages[0].lines[0]
    made = Gap("new", None, None, "illegible")
    edit = GapEdit("e", "add", line.id, (), line.tokens[0].id if after else None, (made,), "M. Editor", "2024-05-04T08:00:00Z")
    decisions = {"new": replace(READ, gap_id="new", text=reading)} if reading else {}
    decided = replace(record, decisions=decisions, edits=(edit,))
    assert text_for_mode(decided, "accepted").startswith(text.replace("[ILLEGIBLE]", reading or "[ILLEGIBLE]"))
    assert text_for_mode(decided, "diplomatic") == "THE port [ILLEGIBLE]\n"


def test_tei_says_how_its_apparatus_is_attached():
    assert '<variantEncoding method="double-end-point" location="external"/>' in written("tei", sample_record(), "apparatus")
    assert "variantEncoding" not in written("tei", sample_record(), "accepted")
