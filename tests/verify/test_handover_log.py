"""The desk's log in a hand-over: its chain is proved without a database, and the snapshots of decisions with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner

from desunt.cli import app
from desunt.record.atomic import sha256_of
from desunt.record.decision_log import hash_of_dict
from desunt.record.decision_log_file import DECISION_LOG_FILE, verify_log
from desunt.record.document import Box
from desunt.record.edits import DocumentDecisions
from desunt.record.files import DECISIONS_FILE, read_record
from desunt.record.manifest import write_manifest
from desunt.review import decision_lookup
from desunt.review.store import open_store
from desunt.review.store.types import EditProposal, NewGap, Proposal
from desunt.verify import VerificationReport, verify
from tests.support.records import draw_scan, sample_record, sample_transcript, write_outputs
from tests.support.tampering import rewrite

LETTER = f"letter/{DECISIONS_FILE}"


def work(outputs: Path) -> None:
    """Do at the desk what editors do: decide, correct, take back, read a second time, be late, draw a gap."""
    store = open_store(outputs)
    store.index.refresh()
    store.decisions.decide(Proposal("g1", "accepted", "Anna", "", "guess", "quondam", shown=("quondam", "quorum")))
    store.decisions.decide(Proposal("w4", "corrected", "Bob", "", "ink", "argued", document_id="letter.tif"))
    wrong = store.decisions.decide(Proposal("g5", "amended", "Bob", "", "guess", "letter"))
    store.decisions.undo(wrong.uid, "Bob")
    store.second_readings.assign(["g1"], "Carl", "Anna")
    (given,) = store.second_readings.waiting_for("Carl")
    store.second_readings.read(given.id, Proposal("g1", "amended", "Carl", "", "ink", "quondam"))
    store.decisions.edit(EditProposal("letter.tif", "add", "l9", ("w9",), None, (NewGap(Box(40, 40, 100, 64)),), "Anna", ""))
    store.close()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    scan, outputs = home / "scans" / "letter.tif", home / "outputs"
    record = sample_record(scan.name, draw_scan(scan, 1))
    write_outputs(replace(record, document=replace(record.document, source=str(scan))), outputs / "letter", scan)
    write_outputs(sample_transcript(), outputs / "cable", None)
    work(outputs)
    # A text without decisions is all that is asked for: what is handed over must tell the log's decisions all the same.
    done = CliRunner().invoke(app, ["export", str(outputs), "--format", "text", "--zip", str(home / "given.zip")])
    assert done.exit_code == 0, done.output
    return home / "given.zip"


@pytest.fixture
def folder(archive: Path, tmp_path: Path) -> Path:
    shutil.unpack_archive(archive, tmp_path / "there")
    return tmp_path / "there"


def problems(report: VerificationReport) -> list[str]:
    return [f"{one.file}: {one.place}: {one.problem}" for one in report.breaches]


def forge(folder: Path) -> None:
    """Make all hashes right again, as one who is no fool would."""
    for document in ("letter", "cable"):
        write_manifest(folder / document)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    sums = (f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
    (folder / "SHA256SUMS").write_text("".join(sums), "utf-8")


def test_it_is_handed_over_listed_and_told_of(archive):
    with ZipFile(archive) as packed:
        sums, readme = packed.read("SHA256SUMS").decode(), packed.read("README.txt").decode("ascii")
        last = json.loads(packed.read(DECISION_LOG_FILE).splitlines()[-1])
    assert f"  {DECISION_LOG_FILE}\n" in sums
    assert DECISION_LOG_FILE in readme
    assert last["hash"] in readme
    assert last["seq"] == 6


def test_it_is_proved_in_the_zip_and_unpacked_without_a_database(archive, folder):
    assert not list(folder.rglob("*.sqlite"))
    for given in (archive, folder):
        report = verify(given)
        assert (report.documents, problems(report)) == (2, [])
        assert not [note for note in report.notes if note.file == DECISION_LOG_FILE]


def test_snapshot_desk_and_log_say_the_same(archive, folder):
    stands = verify_log(folder / DECISION_LOG_FILE).decisions_about("letter.tif")
    record = read_record(folder / "letter")
    assert (
        stands == DocumentDecisions(record.decisions or {}, record.edits) == decision_lookup(archive.parent / "outputs", None)("letter.tif")
    )
    decisions, edits = stands.decisions, stands.edits
    assert {name: one.text for name, one in decisions.items()} == {"g1": "quondam", "w4": "argued"}
    assert decisions["g1"].confirmed_by == ("Carl",)
    assert [edit.tokens for edit in edits] == [("w9",)]


def lines_of(folder: Path) -> list[str]:
    return (folder / DECISION_LOG_FILE).read_text("utf-8").splitlines(keepends=True)


def write(folder: Path, lines: list[str]) -> None:
    (folder / DECISION_LOG_FILE).write_text("".join(lines), "utf-8")


def changed(folder: Path) -> None:
    lines = lines_of(folder)
    write(folder, [lines[0].replace("quondam", "quorum"), *lines[1:]])


def changed_and_hashed(folder: Path) -> None:
    first, *rest = lines_of(folder)
    values = json.loads(first) | {"editor": "Nobody"}
    write(folder, [json.dumps(values | {"hash": hash_of_dict(values)}) + "\n", *rest])


def dropped(folder: Path) -> None:
    lines = lines_of(folder)
    write(folder, lines[:2] + lines[3:])


def reordered(folder: Path) -> None:
    lines = lines_of(folder)
    write(folder, [lines[0], lines[2], lines[1], *lines[3:]])


def repeated(folder: Path) -> None:
    lines = lines_of(folder)
    write(folder, [*lines, lines[-1]])


def cut_short(folder: Path) -> None:
    text = "".join(lines_of(folder))
    (folder / DECISION_LOG_FILE).write_text(text[:-20], "utf-8")


def of_no_verdict(folder: Path) -> None:
    *rest, last = lines_of(folder)
    values = json.loads(last) | {"action": "decide", "verdict": None}
    write(folder, [*rest, json.dumps(values | {"hash": hash_of_dict(values)}) + "\n"])


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (changed, "line 1 was changed after it was written"),
        (changed_and_hashed, "line 2 does not follow the line before it"),
        (dropped, "line 3 does not follow the line before it"),
        (reordered, "line 2 does not follow the line before it"),
        (repeated, "line 7 does not follow the line before it"),
        (cut_short, "line 6 is no entry of the log"),
        (of_no_verdict, "line 6 is no entry of the log"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_chain_is_found_though_checksums_hold(folder, tamper: Callable[[Path], None], said):
    tamper(folder)
    forge(folder)
    found = problems(verify(folder))
    assert [one for one in found if one.startswith(f"{DECISION_LOG_FILE}: ") and said in one], found
    assert not [one for one in found if "SHA256SUMS" in one]


def test_last_lines_that_are_gone_are_missed(folder):
    """A chain does not show that its end was cut off: the README does, and the snapshot where the line still stood."""
    write(folder, lines_of(folder)[:-1])
    forge(folder)
    found = problems(verify(folder))
    assert [one for one in found if one.startswith(f"{DECISION_LOG_FILE}: after line 5: ends otherwise than README.txt says")], found
    assert [one for one in found if one.startswith(f"{LETTER}: edits: are others")], found


def invented(content: dict) -> None:
    content["decisions"]["g3"] = content["decisions"]["g1"] | {"gap_id": "g3", "text": "zephyr"}


def left_out(content: dict) -> None:
    del content["decisions"]["w4"]


def turned_into_ink(content: dict) -> None:
    content["decisions"]["g1"]["basis"] = "ink"


def edit_left_out(content: dict) -> None:
    content["edits"] = []


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (invented, f"decision about g3: does not stand in {DECISION_LOG_FILE}"),
        (left_out, f"decision about w4: is missing; it stands in {DECISION_LOG_FILE}"),
        (turned_into_ink, f"decision about g1: says something else than {DECISION_LOG_FILE}"),
        (edit_left_out, f"edits: are others than those that stand in {DECISION_LOG_FILE}"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_snapshot_that_the_log_does_not_bear_out_is_found(folder, tamper: Callable[[dict], None], said):
    rewrite(folder / LETTER, tamper)
    forge(folder)
    found = problems(verify(folder))
    assert [one for one in found if one.startswith(f"{LETTER}: {said}")], found


def test_a_snapshot_that_is_gone_is_missed(folder):
    (folder / LETTER).unlink()
    forge(folder)
    found = problems(verify(folder))
    assert len([one for one in found if one.startswith(f"{LETTER}: decision about ") and "is missing" in one]) == 2, found


def test_decisions_without_a_log_are_noted(folder):
    (folder / DECISION_LOG_FILE).unlink()
    forge(folder)
    assert [note for note in verify(folder).notes if note.file == DECISION_LOG_FILE and "was not handed over" in note.problem]


def test_command_ends_with_the_code_of_a_broken_wall(folder):
    reordered(folder)
    done = CliRunner().invoke(app, ["verify", str(folder)])
    assert done.exit_code == 5
    assert f"BROKEN  {DECISION_LOG_FILE}: line 2 does not follow" in done.output
