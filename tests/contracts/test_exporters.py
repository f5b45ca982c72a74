"""What every exporter must keep, run over all members of the table; and what single formats promise."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.metadata import entry_points

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from desunt.errors import UsageError
from desunt.export import (
    EXPORTERS,
    MODES,
    RESERVED_FILE_NAMES,
    Exporter,
    Mode,
    export_file_name,
    export_files,
    exporter_names,
    load_exporter,
)
from desunt.export.dehyphenation import text_in_format
from desunt.export.formats.json import ExportFile
from desunt.export.gap_entries import entries
from desunt.export.wording import extent_in_words, per_cent
from desunt.record.conjecture import CONJECTURE_LABEL, Decision
from desunt.record.document import Document, Page
from desunt.record.files import Record, to_json, type_adapter
from desunt.verify.exports import decode
from desunt.verify.readback import READERS
from tests.support.exports import EXPORT_SEARCH, export_bytes, export_text, no_picture
from tests.support.record_strategies import CANARY, VERDICT, records
from tests.support.records import SQUARE, sample_record, sample_transcript

KINDS: list[tuple[str, Mode]] = [(name, mode) for name in EXPORTERS for mode in load_exporter(name).modes]
CANARIES = ("quondam", "quorum", "zephyr", "\u202eett", "qu@nd", "1ette")


@pytest.fixture(params=KINDS, ids="-".join)
def kind(request: pytest.FixtureRequest) -> tuple[Exporter, Mode]:
    name, mode = request.param
    return load_exporter(name), mode


def files_of(kind: tuple[Exporter, Mode], record: Record, pictures=no_picture, stem: str = "letter") -> list[tuple[str, bytes, Record]]:
    """Return the files of an export: name, content, and the part of the record each is made from."""
    return [(file, export_bytes(kind[0], part, pictures, kind[1]), part) for file, part in export_files(stem, *kind, record)]


def shows_candidates(kind: tuple[Exporter, Mode]) -> bool:
    return kind[0].kind == "apparatus" or kind[1] == "apparatus"


def check_text(kind: tuple[Exporter, Mode], content: bytes, record: Record) -> None:
    """Check that the text-bearing part is the text of the mode; where an apparatus stands beside no text there is none."""
    exporter, mode = kind
    reader = READERS[exporter.name]
    if reader.text is None:
        return
    shown, read = reader.normalise, reader.text
    plain = exporter.name == "text" and mode == "diplomatic"
    written = decode(kind, content, record)
    assert shown(written if plain else read(written)) == shown(text_in_format(exporter.name, record, mode))


def test_exporter_is_what_the_table_calls_it(kind):
    exporter, mode = kind
    assert load_exporter(exporter.name).suffix == exporter.suffix
    assert exporter.kind in ("reading", "apparatus")
    assert mode in MODES
    names = [export_file_name("letter", load_exporter(name), other) for name, other in KINDS]
    assert names.count(export_file_name("letter", exporter, mode)) == 1


def test_file_name_carries_the_mode_unless_it_is_the_default(kind):
    exporter, mode = kind
    assert (f".{mode}." in export_file_name("letter", exporter, mode).removesuffix(exporter.suffix) + ".") == (mode != exporter.modes[0])


def test_exporter_gives_the_same_bytes_again(kind):
    assert files_of(kind, sample_record(), lambda _: SQUARE) == files_of(kind, sample_record(), lambda _: SQUARE)


@pytest.mark.parametrize(
    "record", [sample_record(), sample_record(scanned=False), sample_transcript()], ids=["scan", "no scan", "transcript"]
)
def test_text_is_that_of_the_mode(kind, record):
    for _, content, part in files_of(kind, record, lambda _: SQUARE):
        check_text(kind, content, part)


def test_reading_export_holds_no_candidate_anywhere(kind):
    if not shows_candidates(kind):
        for _, content, part in files_of(kind, sample_record(), lambda _: SQUARE):
            assert not [canary for canary in CANARIES if canary in decode(kind, content, part)]


def test_apparatus_export_holds_every_candidate_with_its_label(kind):
    if shows_candidates(kind):
        files = [decode(kind, content, part) for _, content, part in files_of(kind, sample_record(), lambda _: SQUARE)]
        assert not [place for written in files for place in READERS[kind[0].name].find_unlabelled(written)]
        assert sum(READERS[kind[0].name].count_labelled(written) for written in files) == 11


def test_exporter_takes_a_document_without_pages(kind):
    for _, content, part in files_of(kind, Record(Document("a", "a", (), ()), {})):
        check_text(kind, content, part)


@pytest.mark.parametrize("stem", ["letter", "cable"])
def test_golden(kind, stem, golden, root):
    """Compare the default files of a scan and of a transcript; those of other modes have tests of their own."""
    if kind[1] == kind[0].modes[0] and kind[0].name != "pdf":
        record = sample_record() if stem == "letter" else sample_transcript()
        for file, content, _ in files_of(kind, record, lambda _: SQUARE, stem):
            golden(root / "tests" / "golden" / file, content)


@EXPORT_SEARCH
@given(record=records(decided=True))
@pytest.mark.parametrize(("name", "mode"), [one for one in KINDS if one[0] != "pdf"])
def test_no_text_breaks_out_of_any_export(name, mode, record):
    kind = (load_exporter(name), mode)
    for _, content, part in files_of(kind, record):
        check_text(kind, content, part)
        written = decode(kind, content, part)
        if shows_candidates(kind):
            here = {gap.id for gap in part.document.gaps}
            assert not list(READERS[name].find_unlabelled(written))
            assert READERS[name].count_labelled(written) == sum(
                len(opinion.candidates) for gap, opinion in part.opinions.items() if gap in here
            )
        else:
            assert CANARY not in written
        if mode == "diplomatic":
            assert VERDICT not in written


@EXPORT_SEARCH
@given(record=records())
def test_markdown_of_an_apparatus_has_no_links_no_html_and_only_its_own_headings(record):
    made = export_text("apparatus", record)
    tokens = MarkdownIt("commonmark").parse(made)
    inside = [child for token in tokens for child in token.children or ()]
    assert not [t for t in (*tokens, *inside) if t.type in ("html_block", "html_inline", "link_open", "image", "fence", "code_block")]
    headings = [tokens[n + 1].content for n, t in enumerate(tokens) if t.type == "heading_open"]
    assert len(headings) == 3 + len(entries(record))
    linked = [child.content for child in inside if child.type == "text" and re.search(r"@|://|www\.", child.content, re.IGNORECASE)]
    assert not linked


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_text_of_a_transcript_is_its_bytes(encoding):
    record = sample_transcript(encoding)
    assert export_bytes(load_exporter("text"), record) == record.document.transcript.text.encode(encoding)


def test_unknown_format_is_named_with_those_that_are_known():
    with pytest.raises(UsageError, match=r"unknown format 'docx'\. Known formats: text, apparatus, html, json"):
        load_exporter("docx")


def test_table_and_entry_points_agree(monkeypatch):
    assert exporter_names()[: len(EXPORTERS)] == list(EXPORTERS)
    assert not entry_points(group="desunt.export").names & EXPORTERS.keys()


@pytest.mark.parametrize("stem", ["record", "Conjectures", "manifest", "source"])
def test_no_export_takes_the_name_of_a_record(stem):
    name = export_file_name(stem, load_exporter("json"), "apparatus")
    assert name.casefold() not in RESERVED_FILE_NAMES
    assert name == f"{stem}.export.json"
    assert export_file_name(stem, load_exporter("text"), "diplomatic") == f"{stem}.txt"


def test_json_reads_back_under_its_schema():
    made = export_bytes(load_exporter("json"), sample_record())
    read = type_adapter(ExportFile).validate_json(made, strict=True)
    assert made == to_json(read), "written gap by gap, it is what it would be written at once"
    assert read.gaps[0].candidates[0].status == CONJECTURE_LABEL
    assert read.gaps[0].place.in_words == "page 1, line 2"
    refused = next(gap for gap in read.gaps if gap.id == "g3")
    assert refused.refusal.startswith("candidates too close")
    assert not any(candidate.offered for candidate in refused.candidates)
    withheld = next(gap for gap in read.gaps if gap.id == "g2")
    assert (withheld.engine_reading, withheld.candidates) == (None, ())


def test_json_of_a_document_without_gaps():
    record = sample_record()
    bare = Record(replace(record.document, pages=(Page(1, None, ()),)), {})
    made = export_bytes(load_exporter("json"), bare)
    assert made == to_json(type_adapter(ExportFile).validate_json(made, strict=True))
    assert json.loads(made)["gaps"] == []


def test_refusal_shows_its_reason_before_any_candidate():
    for name in ("apparatus", "html"):
        made = export_text(name, sample_record())
        assert made.index("No reading is offered") < made.index("candidates too close") < made.index("zephyr")


def test_guess_an_editor_accepted_is_still_called_a_conjecture():
    decision = Decision("g1", "accepted", "guess", "quondam", "M. Editor", "2024-05-01T10:00:00Z")
    record = replace(sample_record(), decisions={"g1": decision})
    for name in ("apparatus", "html", "json"):
        made = export_text(name, record)
        assert "not read on the page" in made
        assert "M. Editor" in made
    assert "quondam" not in export_text("text", record)
    assert json.loads(export_text("json", record))["decisions"][0]["decision"]["text"] == "quondam"
    assert re.search(r"Decision: CONJECTURE `quondam`", export_text("apparatus", record))


def test_generator_is_named():
    for name in ("apparatus", "html", "json"):
        assert READERS[name].generator(export_text(name, sample_record())).startswith("desunt ")


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (sample_record().document.gaps[0], "5 to 7 characters"),
        (sample_record().document.gaps[1], "length unknown"),
        (sample_record().document.gaps[2], "at least 1 word"),
        (sample_record().document.gaps[4], "3 characters"),
        (sample_record().document.gaps[5], "length unknown, runs to the end of its line and on into the next"),
        (sample_record().document.gaps[6], "1 to 2 lines, runs to the end of its line; whether the next line goes on from it is not known"),
    ],
)
def test_extent_in_words(gap, words):
    assert extent_in_words(gap) == words


def test_small_shares_do_not_print_as_nothing():
    assert [per_cent(share) for share in (0.0, 0.0004, 0.5123)] == ["0.0 %", "under 0.1 %", "51.2 %"]


def test_context_of_a_transcript_keeps_what_touches():
    record = sample_transcript(text="THE port s[????] of X[ILLEGIBLE]Y, and more\n")
    found = entries(record)
    assert [entry.place for entry in found] == ["line 1 of the transcript"] * len(found)
    assert [entry.gap.printed for entry in found] == ["s[????]", "X[ILLEGIBLE]Y"]
    assert found[0].after[0].startswith("of X[ILLEGIBLE]Y, and more")
