"""Scans are found, named and given folders that never change hands."""

from __future__ import annotations

from pathlib import Path

import pytest

from desunt.errors import UsageError
from desunt.run.inputs.discovery import InputSource, assign_folders, find_sources, safe_stem

KINDS = frozenset({".png", ".pdf"})


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_folders_are_searched_for_scans_and_texts_are_read_only_when_named(tmp_path) -> None:
    make(tmp_path, "b.PNG", "a/c.pdf", "a/notes.txt", ".hidden/d.png", "out/x/e.png")
    found = find_sources([tmp_path], KINDS, tmp_path / "out")
    assert [(s.id, s.kind) for s in found] == [("a/c.pdf", "scan"), ("b.PNG", "scan")]
    named = find_sources([tmp_path / "a" / "notes.txt", tmp_path / "b.PNG", tmp_path / "b.PNG"], KINDS, tmp_path / "out")
    assert [(s.id, s.kind) for s in named] == [("notes.txt", "transcript"), ("b.PNG", "scan")]


def test_two_folders_keep_their_scans_apart(tmp_path) -> None:
    make(tmp_path, "x/a.png", "y/a.png")
    placed = assign_folders(find_sources([tmp_path / "x", tmp_path / "y"], KINDS, tmp_path / "out"), {})
    assert [s.id for s in placed] == ["x/a.png", "y/a.png"]
    assert len({s.folder for s in placed}) == 2


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_named_files_of_one_name_are_documents_of_their_own_in_any_order(tmp_path, order) -> None:
    make(tmp_path, "box1/a/1.png", "box2/a/1.png", "box1/2.png")
    named = [tmp_path / "box1/a/1.png", tmp_path / "box2/a/1.png", tmp_path / "box1/2.png"]
    placed = assign_folders(find_sources([named[i] for i in order], KINDS, tmp_path / "out"), {})
    assert {s.path: s.id for s in placed} == {named[0]: "box1/a/1.png", named[1]: "box2/a/1.png", named[2]: "2.png"}
    assert len({s.folder for s in placed}) == 3


def test_folders_of_one_name_keep_their_scans_apart(tmp_path) -> None:
    make(tmp_path, "x/box/a.png", "y/box/a.png", "y/box/b.png")
    found = find_sources([tmp_path / "x/box", tmp_path / "y/box"], KINDS, tmp_path / "out")
    assert [s.id for s in found] == ["x/box/a.png", "y/box/a.png", "box/b.png"]


def test_a_missing_input_is_named(tmp_path) -> None:
    with pytest.raises(UsageError, match="nothing-here"):
        find_sources([tmp_path / "nothing-here"], KINDS, tmp_path / "out")


def test_a_later_scan_never_moves_an_earlier_ones_results() -> None:
    first = assign_folders([InputSource(Path("b/a.png"), "b/a.png", "scan")], {})
    both = assign_folders([InputSource(Path("a/a.png"), "a/a.png", "scan"), *first], {first[0].folder: first[0].id})
    assert both[1].folder == first[0].folder == "a"
    assert both[0].folder not in ("a", "A")
    again = assign_folders([InputSource(Path("a/a.png"), "a/a.png", "scan")], {s.folder: s.id for s in both})
    assert again[0].folder == both[0].folder


def test_folders_differ_on_file_systems_without_case() -> None:
    placed = assign_folders([InputSource(Path(n), n, "scan") for n in ("A.png", "a.png")], {})
    assert len({s.folder.casefold() for s in placed}) == 2


@pytest.mark.parametrize(
    ("name", "stem"), [("a/b.c.png", "b.c"), ("…/..png", "document"), ("x?*:y.pdf", "x___y"), ("a" * 300 + ".png", "a" * 120)]
)
def test_stems_are_safe(name: str, stem: str) -> None:
    assert safe_stem(name) == stem
    assert 0 < len(safe_stem(name)) <= 120
    assert not set(safe_stem(name)) & set('/\\?*:"<>|')
    assert safe_stem(name) not in (".", "..")
