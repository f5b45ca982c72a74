"""The index of statuses: quick, and never in disagreement with the files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from desunt.record import folder as journal
from desunt.record import status_cache as status_index
from desunt.record.files import to_json, write_record
from desunt.record.status_cache import FILE, SETTLED
from desunt.run.plan import page_files
from tests.support.records import sample_record


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Three documents, unchanged for a while."""
    for number in range(3):
        folder = tmp_path / "out" / f"{number}"
        facts, opinions = page_files(sample_record(), "key")
        journal.write_page(folder, 1, facts, opinions)
        write_record(sample_record(), folder)
        about = journal.SourceFile("desunt-source-1", f"{number}.png", f"{number}.png", "0" * 64, 1)
        (folder / "source.json").write_bytes(to_json(about))
    settle(tmp_path / "out")
    return tmp_path / "out"


def settle(out: Path) -> None:
    """Let every folder look as if it had changed an hour ago, each at a time of its own."""
    for number, folder in enumerate(path for path in (*out.glob("*"), *out.glob("*/pages")) if path.is_dir()):
        at = time.time_ns() - 3600 * 10**9 + number
        os.utime(folder, ns=(at, at))


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that were read."""
    names: list[str] = []
    before = journal.status_of

    def counting(folder: Path, source: journal.SourceFile) -> journal.DocumentStatus:
        names.append(folder.name)
        return before(folder, source)

    monkeypatch.setattr(journal, "status_of", counting)
    return names


def test_what_did_not_change_is_not_read_again(out: Path, looked: list[str]) -> None:
    first = journal.status(out)
    assert looked == ["0", "1", "2"]
    assert journal.status(out) == first
    assert looked == ["0", "1", "2"]


@pytest.mark.parametrize("change", ["page gone", "page failed", "record gone", "opinions replaced"])
def test_a_change_of_any_kind_is_seen(out: Path, looked: list[str], change: str) -> None:
    before = journal.status(out)[1]
    folder = out / "1"
    match change:
        case "page gone":
            journal.page_path(folder, 1).unlink()
        case "page failed":
            journal.write_failure(folder, 1, "key", ValueError("x"))
        case "record gone":
            (folder / "record.json").unlink()
        case "opinions replaced":
            (folder / "new").write_text('{"opinions": {}}', encoding="utf-8")
            (folder / "new").replace(folder / "conjectures.json")
    after = journal.status(out)
    assert looked == ["0", "1", "2", "1"]
    # A finished document whose page file was removed is finished all the same.
    assert (after[1] != before) == (change != "page gone")
    (out / FILE).unlink()
    assert journal.status(out) == after


def test_what_changed_just_now_is_not_kept(out: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    journal.status(out)
    now = time.time_ns()
    os.utime(out / "1", ns=(now, now))
    journal.status(out)
    journal.status(out)
    assert looked == ["0", "1", "2", "1", "1"], "a later change within the same tick of the clock would not be seen"
    monkeypatch.setattr(status_index.time, "time_ns", lambda: now + 2 * SETTLED)
    journal.status(out)
    journal.status(out)
    assert looked[5:] == ["1"]


def test_a_folder_that_is_gone_is_forgotten_and_a_new_one_found(out: Path) -> None:
    journal.status(out)
    (out / "1").rename(out / "9")
    assert [one.folder for one in journal.status(out)] == ["0", "2", "9"]
    assert [one.folder for one in journal.status(out)] == ["0", "2", "9"]


@pytest.mark.parametrize("content", [b"no database", b""])
def test_an_index_that_cannot_be_read_is_made_anew(out: Path, looked: list[str], content: bytes) -> None:
    first = journal.status(out)
    (out / FILE).write_bytes(content)
    assert journal.status(out) == first
    assert journal.status(out) == first
    assert len(looked) == 6


def test_an_index_that_cannot_be_written_is_done_without(out: Path, looked: list[str]) -> None:
    (out / FILE).mkdir()
    first = journal.status(out)
    assert journal.status(out) == first
    assert len(looked) == 6
