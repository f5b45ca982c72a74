"""What is written is read back, at once or not at all, and nothing changed passes unseen."""

from __future__ import annotations

import json
import os

import pytest

from desunt.errors import InputError, IntegrityError
from desunt.record.atomic import write_atomically
from desunt.record.conjecture import Candidate, Conjecture, ModelRef, Refusal
from desunt.record.document import Box, Document, Extent, Gap, Line, Page, Region, Step, Word
from desunt.record.files import FILE_TYPES, PAGE_SCHEMA, PageFile, Record, json_schema, read_json, read_record, to_json, write_record

LINE = Line(
    "l", Box(0, 0, 9, 9), (Word("w", "hé", Box(0, 0, 4, 9), "tesseract", 0.5, 0.25), Gap("g", None, Extent("word", 1, None), "illegible"))
)
DOCUMENT = Document("d.png", "d.png", (("title", "T"),), (Page(1, None, (Region("r", "body", None, (LINE,)),)),))
MODEL = ModelRef("m", "1", "0" * 64)
OPINIONS = {"g": Conjecture("g", (Candidate("x", 0.5),), 0.5, MODEL, ("a ", " b")), "h": Refusal("h", "a name")}
RECORD = Record(DOCUMENT, OPINIONS, (Step("ocr", "5.3", (("lang", "eng"),)),))


def test_a_record_is_read_back_as_it_was_written(tmp_path) -> None:
    write_record(RECORD, tmp_path)
    record = read_record(tmp_path)
    assert (record.document, dict(record.opinions), record.steps) == (DOCUMENT, OPINIONS, RECORD.steps)


def test_the_same_record_gives_the_same_bytes(tmp_path) -> None:
    for name in "ab":
        write_record(RECORD, tmp_path / name)
    for file in ("record.json", "conjectures.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_facts_and_opinions_lie_in_different_files(tmp_path) -> None:
    write_record(RECORD, tmp_path)
    facts = json.loads((tmp_path / "record.json").read_text("utf-8"))
    assert "candidates" not in json.dumps(facts)
    tokens = facts["document"]["pages"][0]["regions"][0]["lines"][0]["tokens"]
    assert tokens[0]["text"] == "hé"
    assert tokens[1]["engine_reading"] is None


@pytest.mark.parametrize("change", [lambda t: t.replace("hé", "ha"), lambda t: t[:-20], lambda t: t.replace('"width"', '"w"') + "x"])
def test_a_changed_record_is_found_out(tmp_path, change) -> None:
    write_record(RECORD, tmp_path)
    path = tmp_path / "record.json"
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    with pytest.raises(IntegrityError, match=r"record\.json"):
        read_record(tmp_path)


def test_a_missing_record_names_the_remedy(tmp_path) -> None:
    with pytest.raises(InputError, match="desunt run"):
        read_record(tmp_path)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, b"old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_bytes() == b"old"


def test_new_files_have_the_permissions_of_any_new_file(tmp_path) -> None:
    write_atomically(tmp_path / "a", b"")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_records_follow_the_published_schema(tmp_path, root) -> None:
    import jsonschema

    write_record(RECORD, tmp_path)
    for schema, file in (("desunt-record-1", "record.json"), ("desunt-conjectures-1", "conjectures.json")):
        published = json.loads((root / "docs" / "schema" / f"{schema}.json").read_text("utf-8"))
        jsonschema.validate(json.loads((tmp_path / file).read_text("utf-8")), published)


def test_schemas_are_made_from_the_types() -> None:
    assert set(FILE_TYPES) == {json_schema(name)["$id"].removesuffix(".json") for name in FILE_TYPES}
    assert to_json(LINE).endswith(b"}\n")


def test_a_record_without_second_readings_is_the_bytes_it_was_before_there_were_any(tmp_path):
    """`verify` compares files with what desunt writes: those of an older version must not be accused."""
    word = Word("w1", "the", None, "tesseract")
    seen = Word("w2", "agent", None, "rapid", other_readings=("agemt",))
    page = Page(1, None, (Region("r", "body", None, (Line("l", None, (word, seen)),)),))
    written = to_json(PageFile(PAGE_SCHEMA, "key", (), page))
    assert written.count(b"other_readings") == 1
    file = tmp_path / "0001.json"
    file.write_bytes(written)
    assert read_json(PageFile, file).page == page
