"""TEI, PAGE XML, ALTO and hOCR: valid against their official schemas, and the wall holds in every mode, whatever the text is."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from desunt.errors import UsageError
from desunt.export import Exporter, Mode, export_files, load_exporter
from desunt.export.modes import text_for_mode
from desunt.export.wording import POSSIBLE_HEADING
from desunt.record.conjecture import Decision
from desunt.record.document import Box, Gap, RegionKind
from desunt.record.edits import GapEdit
from desunt.record.files import Record
from desunt.verify.readback import READERS
from tests.support.record_strategies import CANARY, VERDICT, records, transcripts
from tests.support.records import sample_record, sample_transcript
from tests.support.xml_schemas import SCHEMAS, complaints, page_needs_data, require_schema

FORMATS = ("tei", "page", "alto", "hocr")
PROPERTY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
TEI = {"t": "http://www.tei-c.org/ns/1.0"}
ID = "{http://www.w3.org/XML/1998/namespace}id"

DECISIONS = {
    "g1": Decision("g1", "accepted", "guess", "quondam", "M. Editor", "2024-05-01T10:00:00Z", confirmed_by=("S. Second",)),
    "w3": Decision("w3", "corrected", "ink", "Thy", "M. Editor", "2024-05-02T10:00:00Z"),
    "g5": Decision("g5", "amended", "ink", "tte", "O. Other", "yesterday", note="a pale t"),
    "g4": Decision("g4", "handwriting", None, None, "O. Other", "2024-05-03"),
    "g3": Decision("g3", "rejected", None, None, "O. Other", "2024-05-03"),
}


def decided_record() -> Record:
    """The sample with decisions of two editors, and a gap that one of them made of a word."""
    edit = GapEdit(
        "e1", "add", "l2", ("w7",), None, (Gap("g9", Box(280, 120, 340, 144), None, "illegible"),), "M. Editor", "2024-05-04T08:00:00Z"
    )
    return replace(sample_record(), decisions=DECISIONS, edits=(edit,))


def made(name: str, record: Record, mode: Mode) -> list[tuple[str, bytes, Record]]:
    exporter = load_exporter(name)
    return [
        (file, b"".join(exporter.export(part, lambda _: None, mode)), part) for file, part in export_files("letter", exporter, mode, record)
    ]


def modes() -> list[tuple[str, Mode]]:
    return [(name, mode) for name in FORMATS for mode in load_exporter(name).modes]


def tei(record: Record, mode: Mode) -> etree._Element:
    ((_, content, _),) = made("tei", record, mode)
    return etree.fromstring(content)


@pytest.mark.parametrize(("name", "mode"), page_needs_data(pair for pair in modes() if pair[0] in SCHEMAS))
@pytest.mark.parametrize("record", [sample_record(), decided_record(), sample_transcript()], ids=["letter", "decided", "cable"])
def test_file_is_valid_against_the_official_schema(name, mode, record):
    require_schema(name)
    for _, content, _ in made(name, record, mode):
        assert complaints(name, content) == []


@pytest.mark.parametrize("kind", get_args(RegionKind))
@pytest.mark.parametrize("name", page_needs_data(FORMATS))
def test_every_kind_of_region_is_told_and_changes_no_text(name, kind):
    record = sample_record()
    pages = [replace(page, regions=tuple(replace(region, kind=kind) for region in page.regions)) for page in record.document.pages]
    for _, content, part in made(name, replace(record, document=replace(record.document, pages=tuple(pages))), "diplomatic"):
        says = {"tei": f'type="{kind}"', "page": f"structure {{type:{kind};}}", "alto": f'LABEL="{kind}"', "hocr": f'data-kind="{kind}"'}
        assert says[name] in content.decode()
        assert READERS[name].normalise(READERS[name].text(content.decode())) == READERS[name].normalise(text_for_mode(part, "diplomatic"))
        assert list(READERS[name].find_unlabelled(content.decode())) == []
        assert complaints(name, content) == []


def test_a_kind_of_block_that_there_is_not_is_found():
    ((_, content, _), *_) = made("alto", sample_record(), "diplomatic")
    assert list(READERS["alto"].find_unlabelled(content.decode().replace('LABEL="body"', 'LABEL="quondam"'))) == [
        "tag kind-body ('quondam')"
    ]


def check_the_wall(name: str, mode: Mode, record: Record) -> None:
    for file, content, part in made(name, record, mode):
        text = content.decode()
        shown = READERS[name].normalise
        assert shown(READERS[name].text(text)) == shown(text_for_mode(part, mode)), file
        assert list(READERS[name].find_unlabelled(text)) == []
        here = {gap.id for gap in part.document.gaps}
        number = sum(len(opinion.candidates) for gap, opinion in part.opinions.items() if gap in here)
        assert READERS[name].count_labelled(text) == (number if mode == "apparatus" else 0)
        if mode != "apparatus":
            assert CANARY not in text, file
        if mode == "diplomatic":
            assert VERDICT not in text, file
        if mode == "apparatus":
            assert CANARY not in READERS[name].text(text)
            assert VERDICT not in READERS[name].text(text)
        assert complaints(name, content) == [], file


@pytest.mark.parametrize("name", page_needs_data(FORMATS))
@PROPERTY
@given(record=records(decided=True))
def test_the_wall_holds_and_the_schema_too_whatever_the_text_is(name, record):
    for mode in load_exporter(name).modes:
        check_the_wall(name, mode, record)


@PROPERTY
@given(record=transcripts())
def test_tei_gives_a_transcript_back_letter_by_letter(record):
    for mode in load_exporter("tei").modes:
        check_the_wall("tei", mode, record)


@pytest.mark.parametrize("name", page_needs_data(FORMATS))
def test_accepted_reading_stands_only_in_the_accepted_file_and_with_its_editor(name):
    record = decided_record()
    for mode in ("diplomatic", "accepted", "apparatus"):
        text = "\f".join(READERS[name].text(content.decode()) for _, content, _ in made(name, record, mode))
        whole = b"".join(content for _, content, _ in made(name, record, mode)).decode()
        assert ("Thy quondam agreed" in text) == (mode == "accepted")
        assert ("letter" in text.split("\f")[1].split()) == (mode == "accepted")
        assert ("M. Editor" in whole) == (mode != "diplomatic")
        assert ("[HANDWRITING]" in text.split("\f")[0]) == (mode == "accepted"), "the kind an editor gave a gap"
        assert ("evil.example" in text) == (mode != "accepted"), "the word an editor made a gap of"


@pytest.mark.parametrize("name", page_needs_data(FORMATS))
def test_candidate_that_is_only_possible_says_so_and_comes_last(name):
    record = sample_record()
    first, *others = record.opinions["g1"].candidates
    opinion = replace(record.opinions["g1"], candidates=(replace(first, possible=True), *others))
    whole = b"".join(content for _, content, _ in made(name, replace(record, opinions={"g1": opinion}), "apparatus")).decode()
    assert whole.count(POSSIBLE_HEADING) == 1
    assert whole.index("quorum") < whole.index(POSSIBLE_HEADING) < whole.index("quondam")


def test_tei_marks_a_guess_an_ink_reading_and_a_corrected_word_differently():
    root = tei(decided_record(), "accepted")
    (guess,) = root.findall(".//t:body//t:supplied", TEI)
    assert (guess.text, guess.get("resp"), guess.get("evidence")) == ("quondam", "#editor-1 #editor-3", "conjecture")
    (ink,) = [one for one in root.findall(".//t:body//t:unclear", TEI) if one.get("evidence")]
    assert (ink.text, ink.get("resp"), ink.get("evidence")) == ("tte", "#editor-2", "internal")
    (word,) = root.findall(".//t:body//t:seg", TEI)
    assert (word.text, word.get("resp"), word.get("type")) == ("Thy", "#editor-1", "corrected")
    names = {one.get(ID): one.findtext("t:persName", namespaces=TEI) for one in root.findall(".//t:respStmt", TEI)}
    assert (names["editor-1"], names["editor-2"], names["editor-3"]) == ("M. Editor", "O. Other", "S. Second")


def test_tei_lists_every_change_with_its_editor_newest_first():
    changes = tei(decided_record(), "accepted").findall(".//t:revisionDesc/t:change", TEI)
    dated = [one.get("when") for one in changes if one.get("when")]
    assert dated == sorted(dated, reverse=True)
    assert len(changes) == len(DECISIONS) + 2
    assert changes[-1].get("who") == "#desunt"
    assert len(tei(decided_record(), "diplomatic").findall(".//t:revisionDesc/t:change", TEI)) == 1


@pytest.mark.parametrize("mode", ["diplomatic", "accepted", "apparatus"])
@pytest.mark.parametrize("record", [decided_record(), sample_transcript()], ids=["letter", "cable"])
def test_every_pointer_of_a_tei_file_finds_its_place(record, mode):
    root = tei(record, mode)
    names = [one.get(ID) for one in root.iter("{*}*") if one.get(ID)]
    assert len(names) == len(set(names))
    pointers = [
        pointer
        for one in root.iter("{*}*")
        for name in ("facs", "resp", "who", "target", "from", "source")
        for pointer in (one.get(name) or "").split()
    ]
    assert pointers
    assert not [pointer for pointer in pointers if pointer.removeprefix("#") not in names]


def test_tei_says_how_long_gaps_are_as_the_guidelines_do():
    gaps = {gap.get("n"): dict(gap.attrib) for gap in tei(sample_record(), "diplomatic").findall(".//t:body//t:gap", TEI)}
    assert (gaps["g1"]["unit"], gaps["g1"]["atLeast"], gaps["g1"]["atMost"]) == ("char", "5", "7")
    assert (gaps["g5"]["unit"], gaps["g5"]["quantity"]) == ("char", "3")
    assert (gaps["g3"]["unit"], gaps["g3"]["atLeast"], gaps["g3"].get("atMost")) == ("word", "1", None)
    assert (gaps["g2"]["reason"], gaps["g2"]["extent"]) == ("withheld", "unknown")
    assert not [gap for gap in gaps.values() if "engine" in str(gap)]


def test_tei_keeps_the_glosses_of_a_transcript_as_they_came():
    (note,) = tei(sample_transcript(), "diplomatic").findall(".//t:body//t:note", TEI)
    assert (note.text, note.get("type"), note.get("resp")) == ("[Dalian]", "gloss", "#transcriber")


def test_tei_zones_are_in_pixels_of_the_original():
    zones = {
        one.get(ID): [int(one.get(k)) for k in ("ulx", "uly", "lrx", "lry")] for one in tei(sample_record(), "diplomatic").iter("{*}zone")
    }
    assert zones["zone-gap-1"] == [120, 80, 180, 104]
    assert zones["page-1-line-1-word-2"] == [120, 40, 220, 64]


def test_page_marks_gaps_and_unclear_words_as_transkribus_does():
    (_, content, _), _ = made("page", sample_record(), "diplomatic")
    lines = [line.get("custom") for line in etree.fromstring(content).iter("{*}TextLine")]
    assert lines[0] == "readingOrder {index:0;} unclear {offset:9; length:13;}"
    assert lines[1] == "readingOrder {index:0;} gap {offset:4; length:11; reason:illegible;}"


def test_files_of_pages_are_named_after_them_and_need_a_scan():
    assert [file for file, _, _ in made("page", sample_record(), "accepted")] == [
        "letter.0001.accepted.page.xml",
        "letter.0002.accepted.page.xml",
    ]
    one = replace(sample_record(), document=replace(sample_record().document, pages=sample_record().document.pages[:1]))
    assert [file for file, _, _ in made("alto", one, "diplomatic")] == ["letter.alto.xml"]
    assert made("hocr", sample_transcript(), "diplomatic") == []
    with pytest.raises(UsageError, match=r"cable\.txt: this format holds one page of a scan"):
        list(load_exporter("alto").export(sample_transcript(), lambda _: None, "diplomatic"))


def test_alto_says_that_a_person_corrected_a_string():
    (_, content, _), _ = made("alto", decided_record(), "accepted")
    corrected = [one.get("CONTENT") for one in etree.fromstring(content).iter("{*}String") if one.get("CS") == "true"]
    assert corrected == ["Thy", "quondam"]


def test_hocr_gap_is_a_word_without_confidence_to_every_reader():
    (_, content, _), _ = made("hocr", sample_record(), "diplomatic")
    words = etree.fromstring(content).findall(".//*[@class='ocrx_word']")
    marks = [one.get("title") for one in words if "".join(one.itertext()) == "[ILLEGIBLE]"]
    assert marks == ["bbox 120 80 180 104; x_wconf 0", "bbox 40 160 100 184; x_wconf 0"]


@pytest.mark.parametrize(("name", "mode"), modes())
def test_golden_of_a_decided_page(name, mode, golden, root):
    if mode != "diplomatic":
        file, content, _ = made(name, decided_record(), mode)[0]
        golden(root / "tests" / "golden" / file.replace("letter", "decided"), content)


def test_long_document_is_written_page_by_page():
    page = sample_record().document.pages[0]
    pages = tuple(replace(page, number=number) for number in range(1, 200))
    record = replace(sample_record(), document=replace(sample_record().document, pages=pages))
    pieces = list(load_exporter("tei").export(record, lambda _: None, "diplomatic"))
    whole = sum(map(len, pieces))
    assert max(map(len, pieces)) < whole / 100


def test_reader_and_writer_of_xml_share_nothing():
    source = Path(importlib.util.find_spec("desunt.verify.readback.xml").origin).read_text()
    assert "desunt.export" not in source
    assert "lxml" not in source


def exporters() -> list[Exporter]:
    return [load_exporter(name) for name in FORMATS]


@pytest.mark.parametrize("exporter", exporters(), ids=FORMATS)
def test_default_file_holds_no_word_of_what_the_engine_made_of_a_gap(exporter):
    for _, content, _ in made(exporter.name, sample_record(), "diplomatic"):
        assert b"qu@nd" not in content
        assert b"1ette" not in content
