"""Exports with what editors decided: modes, the snapshot of decisions, the command, and what `verify` says about all of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from desunt.cli import app
from desunt.errors import InputError, UsageError
from desunt.export import load_exporter
from desunt.export.writing import ScanImageSource, export_folder, export_requests, formats_with_mode, parse_mode, remove_outputs
from desunt.record.atomic import write_part
from desunt.record.conjecture import Decision
from desunt.record.document import Gap
from desunt.record.edits import DocumentDecisions, GapEdit
from desunt.record.files import DECISIONS_FILE, Record, read_record
from desunt.settings import read_settings
from desunt.verify import verify
from tests.support.records import draw_scan, sample_record, write_outputs
from tests.support.tampering import edit, rewrite

GUESS = Decision("g1", "accepted", "guess", "quondam", "M. Editor", "2024-05-01T10:00:00Z", confirmed_by=("N. Second",))
INK = Decision("w4", "corrected", "ink", "argued", "N. Second", "2024-05-02T10:00:00Z")
STANDS = {"g1": GUESS, "w4": INK}
READING = tuple(name for name in formats_with_mode("accepted"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """One scanned document with every export, as a run leaves it."""
    scan = tmp_path / "scans" / "letter.tif"
    record = sample_record(scan.name, draw_scan(scan, 1))
    record = replace(record, document=replace(record.document, source=str(scan)))
    write_outputs(record, tmp_path / "outputs" / "letter", scan)
    return tmp_path


def decide(home: Path, formats: tuple[str, ...] = READING, mode="accepted", stands=STANDS) -> list[str]:
    return export_folder(home / "outputs/letter", export_requests(formats, mode), read_settings(), lambda _: DocumentDecisions(stands))


def breaches(home: Path) -> list[str]:
    return [f"{one.file}: {one.place}: {one.problem}" for one in verify(home / "outputs", scans=home / "scans").breaches]


def test_accepted_exports_are_written_with_a_snapshot_of_the_decisions_and_proved(home):
    names = decide(home)
    assert "letter.accepted.txt" in names
    assert "The ⟦1: quondam⟧ ⟦2: argued⟧" in (home / "outputs/letter/letter.accepted.txt").read_text("utf-8")
    record = read_record(home / "outputs/letter")
    assert record.decisions == STANDS
    assert breaches(home) == []


def test_every_export_that_tells_decisions_is_made_anew_with_them(home):
    """The review page and the apparatus stood there without decisions: left alone they would contradict the snapshot."""
    names = decide(home, ("text",))
    assert {"letter.html", "letter.json", "letter.apparatus.md", "letter.accepted.pdf"} <= set(names)
    assert "letter.txt" not in names
    assert "M. Editor" in (home / "outputs/letter/letter.html").read_text("utf-8")


def test_undone_decisions_leave_the_exports(home):
    decide(home)
    decide(home, ("text",), stands={})
    assert not (home / "outputs/letter" / DECISIONS_FILE).exists()
    assert not [path for path in (home / "outputs/letter").glob("*.accepted.*") if b"quondam" in path.read_bytes()]
    assert breaches(home) == []


def test_without_a_desk_the_snapshot_stands(home):
    decide(home)
    export_folder(home / "outputs/letter", export_requests(("text",), "accepted"), read_settings())
    assert "quondam" in (home / "outputs/letter/letter.accepted.txt").read_text("utf-8")
    assert breaches(home) == []


def test_diplomatic_exports_ask_nobody_what_was_decided(home):
    names = decide(home, ("text", "pdf"), mode="diplomatic")
    assert names == ["letter.pdf", "letter.txt"]
    assert not (home / "outputs/letter" / DECISIONS_FILE).exists()


def test_a_new_run_keeps_decisions_and_drops_exports(home):
    decide(home)
    folder = home / "outputs/letter"
    (folder / ".letter.txt.x.part").write_bytes(b"half")
    remove_outputs(folder)
    assert (folder / DECISIONS_FILE).exists()
    assert not [path.name for path in folder.iterdir() if path.name.startswith(("letter.", ".letter", "record", "manifest"))]


def test_format_without_the_mode_names_those_that_have_it():
    with pytest.raises(UsageError, match=r"format html has no mode accepted, only apparatus\. Formats with accepted: text, "):
        export_requests(("html",), "accepted")
    with pytest.raises(UsageError, match=r"unknown mode 'final'\. Known modes: diplomatic, accepted, apparatus"):
        parse_mode("final")


def test_command_writes_the_mode_in_every_format_that_has_it(home):
    decide(home, ("text",))
    done = CliRunner().invoke(app, ["export", str(home / "outputs"), "--mode", "accepted"])
    assert done.exit_code == 0, done.output
    for name in READING:
        suffix = load_exporter(name).suffix
        assert [line for line in done.output.splitlines() if line.endswith(f".accepted{suffix}")], name
    assert breaches(home) == []


def test_base_uri_names_the_manifest(home, monkeypatch):
    monkeypatch.setenv("DESUNT_BASE_URI", "https://archive.example/iiif/")
    export_folder(home / "outputs/letter", export_requests(("iiif",)), read_settings())
    manifest = json.loads((home / "outputs/letter/letter.manifest.json").read_bytes())
    assert manifest["id"] == "https://archive.example/iiif/letter.tif/manifest.json"
    assert breaches(home) == []


def test_a_part_that_cannot_be_written_leaves_nothing(tmp_path):
    def broken():
        yield b"half"
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_part(tmp_path / "a.txt", broken())
    assert list(tmp_path.iterdir()) == []


def another_reading(folder: Path) -> None:
    edit(folder / "letter.accepted.txt", "⟦1: quondam⟧", "⟦1: quorum⟧")


def reading_without_its_editor(folder: Path) -> None:
    edit(folder / "letter.accepted.txt", "M. Editor", "somebody", count=9)


def reading_in_the_diplomatic_text(folder: Path) -> None:
    edit(folder / "letter.txt", "[ILLEGIBLE]", "quondam")


def reading_without_its_editor_in_markdown(folder: Path) -> None:
    edit(folder / "letter.accepted.reading.md", "M. Editor", "somebody", count=9)


def decision_of_nobody(folder: Path) -> None:
    rewrite(folder / DECISIONS_FILE, lambda content: content["decisions"]["g1"].update(editor=" "))


def decision_about_another_place(folder: Path) -> None:
    rewrite(folder / DECISIONS_FILE, lambda content: content["decisions"]["g1"].update(gap_id="g3"))


def reading_of_what_was_withheld(folder: Path) -> None:
    def change(content: dict) -> None:
        content["decisions"]["g2"] = content["decisions"]["g1"] | {"gap_id": "g2"}

    rewrite(folder / DECISIONS_FILE, change)


def guess_said_to_be_read_in_the_ink(folder: Path) -> None:
    rewrite(folder / DECISIONS_FILE, lambda content: content["decisions"]["g1"].update(basis="ink"))


def snapshot_gone(folder: Path) -> None:
    (folder / DECISIONS_FILE).unlink()


@pytest.mark.parametrize(
    ("tamper", "file"),
    [
        (another_reading, "letter.accepted.txt"),
        (reading_without_its_editor, "letter.accepted.txt"),
        (reading_without_its_editor_in_markdown, "letter.accepted.reading.md"),
        (reading_in_the_diplomatic_text, "letter.txt"),
        (decision_of_nobody, DECISIONS_FILE),
        (decision_about_another_place, DECISIONS_FILE),
        (reading_of_what_was_withheld, DECISIONS_FILE),
        (guess_said_to_be_read_in_the_ink, "letter.accepted.txt"),
        (snapshot_gone, "letter.accepted.txt"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("with_manifest", [True, False], ids=["manifest made to fit", "manifest as it was"])
def test_tampering_with_what_editors_decided_is_found(home, tamper, file, with_manifest):
    from desunt.record.manifest import write_manifest

    decide(home)
    folder = home / "outputs/letter"
    tamper(folder)
    if with_manifest:
        write_manifest(folder)
    assert [one for one in breaches(home) if one.startswith(f"letter/{file}: ")], breaches(home)


def test_reading_without_its_editor_is_explained(home):
    decide(home)
    reading_without_its_editor(home / "outputs/letter")
    assert any("has the reading 'quondam' and does not name its editor, 'M. Editor'" in one for one in breaches(home))


def test_decision_that_lost_its_place_is_a_note(home):
    decide(home, stands={"gone": replace(GUESS, gap_id="gone")})
    report = verify(home / "outputs", scans=home / "scans")
    assert report.breaches == ()
    assert [one for one in report.notes if "finds its place no more" in one.problem]


def test_record_is_given_to_exporters_as_it_is_on_disk(home):
    """The bytes of an export do not depend on whether a run or the command made it."""
    folder = home / "outputs/letter"
    record: Record = read_record(folder)
    pictures = ScanImageSource(home / "scans/letter.tif", 200_000_000, 300)
    export_folder(folder, export_requests(("pdf", "html")), read_settings())
    for name in ("pdf", "html"):
        exporter = load_exporter(name)
        made = b"".join(exporter.export(record, pictures, exporter.modes[0]))
        assert (folder / f"letter{exporter.suffix}").read_bytes() == made


def test_desk_that_cannot_be_read_is_a_breach(home):
    decide(home)
    (home / "outputs/desk.sqlite").write_bytes(b"no database")
    done = CliRunner().invoke(app, ["verify", str(home / "outputs"), "--scans", str(home / "scans")])
    assert done.exit_code == 5
    assert "BROKEN  desk.sqlite: cannot be read" in done.output


def test_chain_of_the_desk_is_proved(home):
    """A row changed behind the desk's back breaks the chain; a snapshot older than the desk is only noted."""
    import sqlite3

    from desunt.review.store import open_store
    from desunt.review.store.types import Proposal

    store = open_store(home / "outputs")
    store.index.refresh()
    store.decisions.decide(Proposal("g1", "accepted", "M. Editor", store.decisions.version("g1"), "guess", "quondam"))
    command = ["verify", str(home / "outputs"), "--scans", str(home / "scans")]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert CliRunner().invoke(app, ["export", str(home / "outputs"), "--mode", "accepted", "--format", "text"]).exit_code == 0
    assert "quondam" in (home / "outputs/letter/letter.accepted.txt").read_text("utf-8")
    assert CliRunner().invoke(app, command).exit_code == 0
    store.decisions.decide(Proposal("g3", "left-open", "M. Editor", store.decisions.version("g3")))
    noted = CliRunner().invoke(app, command)
    assert noted.exit_code == 0
    assert "is not what stands at the desk now" in noted.output
    with sqlite3.connect(home / "outputs/desk.sqlite") as connection:
        table = next(name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%verdict%' AND type='table'"))
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute(f"UPDATE \"{table}\" SET text = 'quorum' WHERE text = 'quondam'")
    broken = CliRunner().invoke(app, command)
    assert broken.exit_code == 5
    assert "BROKEN  desk.sqlite: row 1" in broken.output


def test_decisions_of_another_desk_are_not_thrown_away(home):
    """Beside a desk that never heard of them, `decisions.json` stays, and no export passes over it."""
    from desunt.review.store import open_store
    from desunt.review.store.types import Proposal

    outputs, snapshot = home / "outputs", home / "outputs/letter/decisions.json"
    store = open_store(outputs)
    store.index.refresh()
    entry = store.decisions.decide(Proposal("g1", "accepted", "M. Editor", store.decisions.version("g1"), "guess", "quondam"))
    export = ["export", str(outputs), "--mode", "accepted", "--format", "text"]
    assert CliRunner().invoke(app, export).exit_code == 0
    before = snapshot.read_bytes()
    for path in outputs.glob("desk.sqlite*"):
        path.rename(home / path.name)
    open_store(outputs).index.refresh()
    for more in ([], ["--zip", str(home / "all.zip")]):
        refused = CliRunner().invoke(app, [*export, *more])
        assert isinstance(refused.exception, InputError)
        assert "decisions.json: these decisions are not in the desk's log" in str(refused.exception)
        assert snapshot.read_bytes() == before
    noted = CliRunner().invoke(app, ["verify", str(outputs), "--scans", str(home / "scans")])
    assert "was decided at another desk" in noted.output
    for path in home.glob("desk.sqlite*"):
        path.rename(outputs / path.name)
    store = open_store(outputs)
    store.decisions.undo(entry.uid, "M. Editor")
    assert CliRunner().invoke(app, export).exit_code == 0
    assert not snapshot.exists(), "the desk knows that nothing is decided any more"


def test_gaps_that_editors_made_are_in_the_snapshot_and_in_the_accepted_text(home):
    """An editor found that a word cannot be vouched for, made a gap of it, and read the gap in the ink."""
    new = Gap("new", None, None, "illegible")
    edits = (GapEdit("e1", "add", "l1", ("w4",), None, (new,), "M. Editor", "2024-05-01T09:00:00Z"),)
    stands = {"new": Decision("new", "amended", "ink", "argued", "M. Editor", "2024-05-01T10:00:00Z")}
    wanted = export_requests(READING, "accepted")
    export_folder(home / "outputs/letter", wanted, read_settings(), lambda _: DocumentDecisions(stands, edits))
    record = read_record(home / "outputs/letter")
    assert (record.edits, record.decisions) == (edits, stands)
    assert "The [ILLEGIBLE] ⟦1: argued⟧" in (home / "outputs/letter/letter.accepted.txt").read_text("utf-8")
    assert "The [ILLEGIBLE] agreed" in (home / "outputs/letter/letter.txt").read_text("utf-8")
    assert breaches(home) == []
    rewrite(home / "outputs/letter" / DECISIONS_FILE, lambda content: content["edits"][0].update(editor=""))
    assert [one for one in breaches(home) if one.startswith(f"letter/{DECISIONS_FILE}: edit e1: names no editor")]
