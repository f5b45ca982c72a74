"""The ZIP for hand-over: whole, the same bytes again, checkable without desunt, and proved by it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner

from desunt.cli import app
from desunt.errors import InputError
from desunt.export.handover import pack
from desunt.record.folder import document_folders
from desunt.record.manifest import list_files
from desunt.verify import verify
from tests.support.records import draw_scan, sample_record, sample_transcript, write_outputs


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    scan = home / "scans" / "letter.tif"
    write_outputs(sample_record(scan.name, draw_scan(scan, 1)), home / "outputs" / "letter", scan)
    write_outputs(sample_transcript(), home / "outputs" / "cable", None)
    return home / "outputs"


@pytest.fixture
def archive(outputs: Path, tmp_path: Path) -> Path:
    path = tmp_path / "given.zip"
    pack(outputs, document_folders(outputs, finished=True), path)
    return path


def unpacked(archive: Path, folder: Path) -> Path:
    shutil.unpack_archive(archive, folder)
    return folder


def problems(path: Path) -> list[str]:
    return [f"{one.file}: {one.problem}" for one in verify(path).breaches]


def test_it_holds_every_file_and_is_proved(archive, outputs):
    with ZipFile(archive) as packed:
        names = set(packed.namelist())
    for folder in document_folders(outputs, finished=True):
        assert {f"{folder.name}/{name}" for name in list_files(folder)} < names
    assert {"README.txt", "SHA256SUMS", "letter/manifest.json"} < names
    report = verify(archive)
    assert (report.documents, report.breaches) == (2, ())


def test_the_same_folders_give_the_same_bytes(archive, outputs, tmp_path):
    pack(outputs, document_folders(outputs, finished=True), tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_any_system_can_check_it(archive, tmp_path):
    if not shutil.which("sha256sum"):
        pytest.skip("sha256sum is not installed")
    folder = unpacked(archive, tmp_path / "there")
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)


def test_readme_is_plain_and_names_every_format(archive, tmp_path):
    from desunt.export import EXPORTERS, load_exporter

    text = (unpacked(archive, tmp_path / "there") / "README.txt").read_text("ascii")
    assert all(f"NAME{load_exporter(name).suffix}" in text for name in EXPORTERS)
    assert "sha256sum -c SHA256SUMS" in text


def changed(folder: Path) -> None:
    (folder / "letter/letter.txt").write_text("Strictly quondam")


def removed(folder: Path) -> None:
    (folder / "cable/cable.txt").unlink()


def added(folder: Path) -> None:
    (folder / "letter.txt").write_text("The page says quondam")


def readme_changed(folder: Path) -> None:
    (folder / "README.txt").write_text("All guesses were confirmed.")


def list_points_outside(folder: Path) -> None:
    with (folder / "SHA256SUMS").open("a") as sums:
        sums.write("0" * 64 + "  ../elsewhere\n")


@pytest.mark.parametrize(
    ("tamper", "file"),
    [
        (changed, "letter/letter.txt"),
        (removed, "cable/cable.txt"),
        (added, "letter.txt"),
        (readme_changed, "README.txt"),
        (list_points_outside, "SHA256SUMS"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_tampering_is_found(archive, tmp_path, tamper, file):
    folder = unpacked(archive, tmp_path / "there")
    assert problems(folder) == []
    tamper(folder)
    assert [one for one in problems(folder) if one.startswith(f"{file}: ")], problems(folder)


def test_names_that_lead_out_are_breaches_and_not_followed(archive, tmp_path):
    with ZipFile(archive, "a") as packed:
        packed.writestr("../outside.txt", "quondam")
        packed.writestr("/outside.txt", "quondam")
    assert len([one for one in problems(archive) if "leads out" in one]) == 2
    assert not list(tmp_path.rglob("outside.txt"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_a_breach(archive):
    with ZipFile(archive, "a") as packed:
        packed.writestr("letter/letter.txt", "quondam")
    assert any(one.startswith("letter/letter.txt: stands twice") for one in problems(archive))


def test_what_is_no_zip_is_named(tmp_path):
    path = tmp_path / "given.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(InputError, match=r"given\.zip: cannot be read as a ZIP"):
        verify(path)


def test_it_cannot_lie_inside_what_it_packs(outputs):
    with pytest.raises(InputError, match="lies inside a document's folder"):
        pack(outputs, document_folders(outputs, finished=True), outputs / "letter" / "given.zip")


def test_command_packs_and_proves(outputs, tmp_path):
    home = Path(shutil.copytree(outputs, tmp_path / "outputs"))
    done = CliRunner().invoke(app, ["export", str(home), "--format", "text", "--zip", str(tmp_path / "given.zip")])
    assert done.exit_code == 0, done.output
    proved = CliRunner().invoke(app, ["verify", str(tmp_path / "given.zip")])
    assert proved.exit_code == 0, proved.output
    assert "2 documents: no conjecture stands in a reading text" in proved.output
