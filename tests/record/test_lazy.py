"""Pages that stay on disk are the same pages, and exports made from them the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from desunt.errors import InputError, IntegrityError
from desunt.export import load_exporter
from desunt.export.gap_entries import entries
from desunt.export.modes import view_for_mode
from desunt.record.conjecture import Decision
from desunt.record.document import Gap, Word
from desunt.record.edits import GapEdit
from desunt.record.files import Record, read_record, write_decisions, write_record
from desunt.record.lazy import LazyOpinions, LazyPages, MappedPages, count_pages_without_words, open_record
from tests.support.record_strategies import records, transcripts
from tests.support.records import sample_record, sample_transcript
from tests.support.tampering import edit


def check(folder: Path) -> None:
    whole = read_record(folder)
    with open_record(folder) as stored:
        assert tuple(stored.document.pages) == whole.document.pages
        assert replace(stored, document=replace(stored.document, pages=whole.document.pages)) == whole
        assert entries(stored) == entries(whole)
        words = [sum(isinstance(token, Word) for line in page.lines for token in line.tokens) for page in whole.document.pages]
        assert count_pages_without_words(folder) == words.count(0)
        for name, mode in (("json", "apparatus"), ("tei", "accepted"), ("text", "accepted")):
            contents = (b"".join(load_exporter(name).export(record, lambda _: None, mode)) for record in (stored, whole))
            assert next(contents) == next(contents)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(record=records(decided=True) | transcripts())
def test_stored_record_is_the_record(record: Record, tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    write_record(record, folder)
    write_decisions(record, folder)
    check(folder)


def test_pages_are_read_when_they_are_asked_for(tmp_path):
    write_record(sample_record(), tmp_path)
    with open_record(tmp_path) as record:
        pages = record.document.pages
        assert isinstance(pages, LazyPages)
        assert pages[-1] == sample_record().document.pages[1]
        assert pages[0:2] == sample_record().document.pages
        with pytest.raises(IndexError):
            pages[2]


def test_opinions_are_read_when_they_are_asked_for(tmp_path):
    write_record(sample_record(), tmp_path)
    with open_record(tmp_path) as record:
        assert isinstance(record.opinions, LazyOpinions)
        assert dict(record.opinions) == sample_record().opinions
        assert "g4" not in record.opinions
        with pytest.raises(KeyError):
            record.opinions["g4"]


@pytest.mark.parametrize(
    ("old", "new"),
    [('"none_of_these": 0.17', '"none_of_these": "0.17"'), ('  "g1": {', '  "g0": null,\n  "g1": {'), (' "opinions": {', ' "opinion": {')],
)
def test_opinions_that_are_broken_are_told_before_anything_is_written(tmp_path, old, new):
    write_record(sample_record(), tmp_path)
    edit(tmp_path / "conjectures.json", old, new)
    with pytest.raises(IntegrityError, match=r"conjectures\.json"), open_record(tmp_path):
        pass


def test_a_single_page_is_read_whole(tmp_path):
    write_record(sample_transcript(), tmp_path)
    with open_record(tmp_path) as record:
        assert record == read_record(tmp_path)


def test_another_layout_is_read_whole(tmp_path):
    """A file that was written by another program has the same content."""
    import json

    write_record(sample_record(), tmp_path)
    path = tmp_path / "record.json"
    path.write_text(json.dumps(json.loads(path.read_bytes())), "utf-8")
    with pytest.raises(IntegrityError, match="another record"), open_record(tmp_path):
        pass


def test_facts_and_opinions_must_belong_together(tmp_path):
    write_record(sample_record(), tmp_path)
    path = tmp_path / "record.json"
    path.write_text(path.read_text("utf-8").replace('"agreed"', '"refused"'), "utf-8")
    with pytest.raises(IntegrityError, match="another record"), open_record(tmp_path):
        pass
    path.unlink()
    with pytest.raises(InputError, match="no such file"), open_record(tmp_path):
        pass


def test_what_editors_decided_is_laid_over_a_page_when_it_is_asked_for(tmp_path):
    decided = replace(
        sample_record(),
        decisions={"g4": Decision("g4", "handwriting", None, None, "M. Editor", "2024-05-01")},
        edits=(GapEdit("e1", "add", "l2", ("w7",), None, (Gap("g9", None, None, "damaged"),), "M. Editor", "2024-05-01"),),
    )
    write_record(decided, tmp_path)
    write_decisions(decided, tmp_path)
    with open_record(tmp_path) as stored:
        shown = view_for_mode(stored, "accepted").document
        assert isinstance(shown.pages, MappedPages)
        assert tuple(shown.pages) == view_for_mode(decided, "accepted").document.pages
        assert [gap.id for gap in shown.gaps] == ["g1", "g2", "g9", "g3", "g4", "g5", "g6", "g7"]
        assert next(gap.reason for gap in shown.gaps if gap.id == "g4") == "handwriting"
