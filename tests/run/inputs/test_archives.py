"""Scans in a ZIP: unpacked under our own names, and every one of them accounted for."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from desunt.errors import InputError
from desunt.run.inputs.archives import MAX_COMPRESSION_RATIO, RATIO_CHECK_MIN_BYTES, UNPACKED_FOLDER, extract_scans
from desunt.run.inputs.discovery import assign_folders, find_sources

KINDS = frozenset({".png", ".pdf"})
TRICKS = ("../up.png", "a/../../up.png", "/etc/absolute.png", "C:\\windows\\drive.png", "..\\back.png")


def packed(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_scans_are_unpacked_once_and_texts_and_hidden_files_left(tmp_path: Path) -> None:
    archive = packed(
        tmp_path / "box.zip", ("b/2.png", b"two"), ("1.PNG", b"one"), ("notes.txt", b"x"), (".hidden.png", b"x"), ("__MACOSX/._1.png", b"x")
    )
    found = list(extract_scans(archive, KINDS, tmp_path / "out"))
    assert [(one.name, one.path.read_bytes(), one.problem) for one in found] == [("1.PNG", b"one", ""), ("b/2.png", b"two", "")]
    assert all(one.path.is_relative_to(tmp_path / "out" / UNPACKED_FOLDER) for one in found)
    before = [one.path.stat().st_ino for one in found]
    assert [one.path.stat().st_ino for one in extract_scans(archive, KINDS, tmp_path / "out")] == before


@pytest.mark.parametrize("name", TRICKS)
def test_a_name_that_leaves_the_archive_is_told_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    archive = packed(tmp_path / "box.zip", (name, b"x"), ("good.png", b"good"))
    found = {one.name: one for one in extract_scans(archive, KINDS, tmp_path / "out")}
    bad = found.pop(zipfile.ZipFile(archive).namelist()[0])
    assert "leaves the archive" in bad.problem
    assert not bad.path.exists()
    assert [one.problem for one in found.values()] == [""]
    assert {p.name for p in tmp_path.iterdir()} == {"box.zip", "out"}


def test_links_and_locked_files_are_told(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = packed(tmp_path / "box.zip", (link, b"/etc/passwd"), ("locked.png", b"x" * 50))
    content = bytearray(archive.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.rindex(mark) + place
        content[at : at + 2] = struct.pack("<H", 1)
    archive.write_bytes(content)
    problems = {one.name: one.problem for one in extract_scans(archive, KINDS, tmp_path / "out")}
    assert "a link" in problems["link.png"]
    assert "password" in problems["locked.png"]


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    archive = packed(tmp_path / "box.zip", ("bomb.png", bytes(RATIO_CHECK_MIN_BYTES + 1)))
    assert archive.stat().st_size * MAX_COMPRESSION_RATIO < RATIO_CHECK_MIN_BYTES
    (bomb,) = extract_scans(archive, KINDS, tmp_path / "out")
    assert f"would unpack to {RATIO_CHECK_MIN_BYTES + 1} bytes" in bomb.problem
    assert not (tmp_path / "out").exists()


def test_damage_inside_is_told_of_the_file_it_is_in(tmp_path: Path) -> None:
    archive = packed(tmp_path / "box.zip", ("a.png", bytes(range(256)) * 40), ("b.png", b"good"))
    content = bytearray(archive.read_bytes())
    content[60] ^= 0xFF
    archive.write_bytes(content)
    first, second = extract_scans(archive, KINDS, tmp_path / "out")
    assert "damaged inside the archive" in first.problem
    assert not first.path.exists()
    assert (second.problem, second.path.read_bytes()) == ("", b"good")
    assert not list((tmp_path / "out").rglob("*.part"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive" * 99])
def test_what_is_no_archive_fails_as_itself(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "box.zip").write_bytes(content)
    with pytest.raises(InputError, match="the ZIP is damaged"):
        list(extract_scans(tmp_path / "box.zip", KINDS, tmp_path / "out"))
    (source,) = find_sources([tmp_path], KINDS, tmp_path / "out")
    assert (source.id, "the ZIP is damaged" in source.problem) == ("box.zip", True)


def test_archives_are_documents_of_their_folder_and_two_of_one_name_are_two(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    with pytest.warns(UserWarning, match="Duplicate name"):
        packed(tmp_path / "scans" / "box.zip", ("1.png", b"one"), ("1.png", b"another"), ("../x.png", b"x"))
    found = assign_folders(find_sources([tmp_path / "scans"], KINDS, tmp_path / "out"), {})
    assert [one.id for one in found] == ["box.zip/../x.png", "box.zip/1.png", "box.zip/1.png (2)"]
    assert len({one.folder for one in found}) == 3
    assert [one.path.read_bytes() for one in found if not one.problem] == [b"one", b"another"]
    assert bool(found[0].problem)


def test_an_archive_within_is_no_scan(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("1.png", b"x")
    assert not list(extract_scans(packed(tmp_path / "box.zip", ("inner.zip", inner.getvalue())), KINDS, tmp_path / "out"))
