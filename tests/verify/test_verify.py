"""`verify` finds every tampering, names the file, and never stumbles over a broken one."""

from __future__ import annotations

import base64
import io
import json
import os
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from desunt import verify as proof
from desunt.errors import InputError
from desunt.record.atomic import sha256_of
from desunt.record.files import RECORD_SCHEMA, RecordFile, read_json, read_record, to_json
from desunt.record.manifest import write_manifest
from desunt.verify import VerificationReport, verify
from tests.support.export_tampering import EXPORT_TAMPERINGS
from tests.support.records import draw_scan, sample_record, sample_transcript, write_outputs, write_pages
from tests.support.tampering import ALONE, TAMPERINGS, edit, guess_in_text, label_in_html, reading_of_withheld


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scanned documents and a transcript, with all that a run writes for them; made once, copied for each test."""
    here = tmp_path_factory.mktemp("made")
    for seed, name in enumerate(("letter", "memo"), start=1):
        scan = here / "scans" / f"{name}.tif"
        write_outputs(sample_record(scan.name, draw_scan(scan, seed)), here / "outputs" / name, scan)
    write_outputs(sample_transcript(), here / "outputs" / "cable", None)
    (here / "outputs" / "run.log").write_text("a run")
    return here


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "home"))


def check(home: Path) -> VerificationReport:
    return verify(home / "outputs", scans=home / "scans")


def test_what_a_run_writes_is_proved(home):
    report = check(home)
    assert report.breaches == ()
    assert report.unfinished == ()
    assert report.documents == 3
    assert [note.place for note in report.notes] == ["transcript"]
    assert "every hash holds" in proof.format_report(report)


def test_one_document_folder_can_be_proved_alone(home):
    assert verify(home / "outputs" / "letter", scans=home / "scans").breaches == ()


@pytest.mark.parametrize(("tamper", "file"), TAMPERINGS + EXPORT_TAMPERINGS, ids=lambda value: getattr(value, "__name__", ""))
def test_tampering_is_found_and_its_file_named(home, tamper, file):
    tamper(home)
    report = check(home)
    assert [one for one in report.breaches if one.file.endswith(file)], report
    assert all(one.problem for one in report.breaches)
    assert not [one for one in report.breaches if "memo" in one.file and "../" not in one.file], "an untouched document is accused"
    assert "BROKEN" in proof.format_report(report)


@pytest.mark.parametrize(
    ("tamper", "file"), [one for one in TAMPERINGS if one[0] in ALONE], ids=lambda value: getattr(value, "__name__", "")
)
def test_only_the_file_that_was_changed_is_accused(home, tamper, file):
    tamper(home)
    assert {one.file.removeprefix(f"{home}/") for one in check(home).breaches} == {file}


def test_breach_says_what_and_where(home):
    guess_in_text(home)
    problems = {(one.place, one.problem) for one in check(home).breaches}
    assert ("line 3 of the text", "is 'The quondam agreed', where the record has 'The [ILLEGIBLE] agreed'") in problems
    assert ("gap g1", "the text holds 'quondam', a conjecture that the page does not say") in problems


def test_reading_of_withheld_is_explained(home):
    reading_of_withheld(home)
    assert any("withheld" in one.problem and one.file == "letter/record.json" for one in check(home).breaches)


def test_unfinished_documents_are_listed_and_no_breach(home):
    folder = home / "outputs" / "half"
    write_pages(sample_record(), folder)
    (home / "outputs/letter/manifest.json").unlink()
    failed = home / "outputs" / "broken"
    failed.mkdir()
    (failed / "source.json").write_text('{"problem": "broken.tif: cut off"}')
    report = check(home)
    assert report.breaches == ()
    assert [one.file for one in report.unfinished] == ["broken", "half", "letter"]
    assert report.unfinished[0].problem == "could not be read: broken.tif: cut off"
    assert "2 pages read" in report.unfinished[1].problem
    assert "3 not finished" in proof.format_report(report)


def test_document_without_a_manifest_is_still_proved(home):
    guess_in_text(home)
    (home / "outputs/letter/manifest.json").unlink()
    assert {one.file for one in check(home).breaches} == {"letter/letter.txt"}


def test_missing_scan_is_a_note(home, monkeypatch):
    shutil.rmtree(home / "scans")
    monkeypatch.chdir(home)
    report = verify(home / "outputs")
    assert report.breaches == ()
    assert len(report.notes) == 3
    assert "--scans" in report.notes[0].problem


def test_failed_page_needs_no_file_of_its_own(home):
    folder = home / "outputs" / "letter"
    record = read_record(folder)
    gap = replace(record.document.gaps[2], id="page", mark="[PAGE NOT READ]")
    line = replace(record.document.pages[0].lines[0], tokens=(gap,))
    page = replace(record.document.pages[1], image=None, regions=(replace(record.document.pages[1].regions[0], lines=(line,)),))
    opinions = {name: opinion for name, opinion in record.opinions.items() if name != "g5"}
    shutil.rmtree(folder)
    write_outputs(
        replace(record, document=replace(record.document, pages=(record.document.pages[0], page)), opinions=opinions), folder, None
    )
    for path in folder.glob("pages/0002*"):
        path.unlink()
    (folder / "pages/0002.failed.json").write_text("{}")
    write_manifest(folder)
    assert check(home).breaches == ()


def test_stray_file_of_no_format_is_a_note(home):
    (home / "outputs/letter/remarks.docx").write_bytes(b"x")
    report = check(home)
    assert report.breaches == ()
    assert any(note.file == "letter/remarks.docx" for note in report.notes)


def test_export_of_another_version_is_proved_but_not_byte_by_byte(home):
    for name in ("letter.html", "letter.json", "letter.apparatus.md"):
        edit(home / "outputs/letter" / name, "desunt 0", "desunt 99.0", count=9)
    write_manifest(home / "outputs/letter")
    report = check(home)
    assert report.breaches == ()
    assert len([note for note in report.notes if "desunt 99" in note.problem]) == 3
    label_in_html(home)
    assert {one.file for one in check(home).breaches} == {"letter/letter.html"}


def test_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="nothing: no such folder"):
        verify(tmp_path / "nothing")
    assert proof.format_report(verify(tmp_path)) == "no documents here"


def test_report_is_json(home):
    guess_in_text(home)
    read = json.loads(proof.as_json(check(home)))
    assert read["documents"] == 3
    assert read["breaches"][0]["file"] == "letter/letter.txt"


def test_manifest_is_the_same_again_and_leaves_out_half_written_files(home):
    folder = home / "outputs/letter"
    before = (folder / "manifest.json").read_bytes()
    (folder / ".letter.txt.x.part").write_bytes(b"half")
    write_manifest(folder)
    assert (folder / "manifest.json").read_bytes() == before
    read = json.loads(before)
    assert read["schema"] == "desunt-manifest-1"
    assert read["files"]["pages/0001.json"] == sha256_of(folder / "pages/0001.json")
    assert "manifest.json" not in read["files"]


def spoil(content: bytes, chance: random.Random) -> bytes:
    """Damage a file as disks, editors and thieves do."""
    at = chance.randrange(len(content))
    wrong = b'{"document": {"pages": [{}]}, "schema": "desunt-record-1", "gaps": 3, "files": {"a": 1}}'
    flipped = content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
    whole = (b"", b"[" * 100_000, b"null", b"[]", b'{"schema": 3}', wrong)
    return chance.choice([*whole, content[:at], flipped, b"\xff\xfe" + content, content + b"x", content.replace(b"g1", b"g\x00")])


@pytest.mark.parametrize("seed", range(5))
def test_broken_files_are_breaches_and_never_errors(home, seed):
    chance = random.Random(seed)
    folder = home / "outputs" / chance.choice(["letter", "cable"])
    # A fifth of the files each time: with every format in every mode there are many.
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in chance.sample(files, len(files) // 5):
        whole = path.read_bytes()
        spoiled = spoil(whole, chance)
        if spoiled == whole:
            continue
        path.write_bytes(spoiled)
        report = verify(folder, scans=home / "scans")
        assert report.breaches, f"{path.name} spoiled and nothing found"
        path.write_bytes(whole)


def test_folders_pipes_and_links_in_place_of_files_do_no_harm(home):
    folder = home / "outputs/letter"
    for name in ("letter.txt", "conjectures.json"):
        (folder / name).unlink()
    (folder / "letter.txt").mkdir()
    os.mkfifo(folder / "conjectures.json")
    (folder / "loop").symlink_to(folder)
    assert {one.file for one in check(home).breaches} >= {"letter/letter.txt", "letter/conjectures.json"}


def test_record_reads_back_strictly(home):
    record: RecordFile = read_json(RecordFile, home / "outputs/letter/record.json")
    assert record.schema == RECORD_SCHEMA
    assert to_json(record) == (home / "outputs/letter/record.json").read_bytes()


def test_picture_coded_by_another_program_is_the_same_picture(home):
    from PIL import Image

    path = home / "outputs/letter/letter.html"
    mark = "data:image/jpeg;base64,"
    old = path.read_text().split(mark)[1].split('"')[0]
    buffer = io.BytesIO()
    Image.open(io.BytesIO(base64.b64decode(old))).save(buffer, "JPEG", quality=60)
    edit(path, mark + old, mark + base64.b64encode(buffer.getvalue()).decode())
    write_manifest(path.parent)
    assert check(home).breaches == ()


def test_html_is_compared_with_the_pictures_it_holds(home):
    shutil.rmtree(home / "scans")
    label_in_html(home)
    assert {one.file for one in check(home).breaches} == {"letter/letter.html"}
