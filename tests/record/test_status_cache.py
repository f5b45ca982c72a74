"""The index of statuses: quick, and never in disagreement with the files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from desunt.record import status, status_cache
from desunt.record.files import to_json, write_record
from desunt.record.folder import SourceFile, page_path, write_failure, write_page
from desunt.record.status import DocumentStatus, document_status, document_statuses
from desunt.record.status_cache import CACHE_FILE, MTIME_SETTLED_NS
from desunt.run.plan import transcript_page_files
from tests.support.records import sample_record


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Three documents, unchanged for a while."""
    for number in range(3):
        folder = tmp_path / "out" / f"{number}"
        facts, opinions = transcript_page_files(sample_record(), "key")
        write_page(folder, 1, facts, opinions)
        write_record(sample_record(), folder)
        about = SourceFile("desunt-source-1", f"{number}.png", f"{number}.png", "0" * 64, 1)
        (folder / "source.json").write_bytes(to_json(about))
    settle(tmp_path / "out")
    return tmp_path / "out"


def settle(out: Path) -> None:
    """Let every folder look as if it had changed an hour ago, each at a time of its own."""
    for number, folder in enumerate(path for path in (*out.glob("*"), *out.glob("*/pages")) if path.is_dir()):
        at = time.time_ns() - 3600 * 10**9 + number
        os.utime(folder, ns=(at, at))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that were read."""
    names: list[str] = []
    before = document_status

    def counting(folder: Path, source: SourceFile) -> DocumentStatus:
        names.append(folder.name)
        return before(folder, source)

    monkeypatch.setattr(status, "document_status", counting)
    return names


def test_what_did_not_change_is_not_read_again(out: Path, computed: list[str]) -> None:
    first = document_statuses(out)
    assert computed == ["0", "1", "2"]
    assert document_statuses(out) == first
    assert computed == ["0", "1", "2"]


@pytest.mark.parametrize("change", ["page gone", "page failed", "record gone", "opinions replaced"])
def test_a_change_of_any_kind_is_seen(out: Path, computed: list[str], change: str) -> None:
    before = document_statuses(out)[1]
    folder = out / "1"
    match change:
        case "page gone":
            page_path(folder, 1).unlink()
        case "page failed":
            write_failure(folder, 1, "key", ValueError("x"))
        case "record gone":
            (folder / "record.json").unlink()
        case "opinions replaced":
            (folder / "new").write_text('{"opinions": {}}', encoding="utf-8")
            (folder / "new").replace(folder / "conjectures.json")
    after = document_statuses(out)
    assert computed == ["0", "1", "2", "1"]
    # A finished document whose page file was removed is finished all the same.
    assert (after[1] != before) == (change != "page gone")
    (out / CACHE_FILE).unlink()
    assert document_statuses(out) == after


def test_what_changed_just_now_is_not_kept(out: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    document_statuses(out)
    now = time.time_ns()
    os.utime(out / "1", ns=(now, now))
    document_statuses(out)
    document_statuses(out)
    assert computed == ["0", "1", "2", "1", "1"], "a later change within the same tick of the clock would not be seen"
    monkeypatch.setattr(status_cache.time, "time_ns", lambda: now + 2 * MTIME_SETTLED_NS)
    document_statuses(out)
    document_statuses(out)
    assert computed[5:] == ["1"]


def test_a_folder_that_is_gone_is_forgotten_and_a_new_one_found(out: Path) -> None:
    document_statuses(out)
    (out / "1").rename(out / "9")
    assert [status.folder for status in document_statuses(out)] == ["0", "2", "9"]
    assert [status.folder for status in document_statuses(out)] == ["0", "2", "9"]


@pytest.mark.parametrize("content", [b"no database", b""])
def test_an_index_that_cannot_be_read_is_made_anew(out: Path, computed: list[str], content: bytes) -> None:
    first = document_statuses(out)
    (out / CACHE_FILE).write_bytes(content)
    assert document_statuses(out) == first
    assert document_statuses(out) == first
    assert len(computed) == 6


def test_an_index_that_cannot_be_written_is_done_without(out: Path, computed: list[str]) -> None:
    (out / CACHE_FILE).mkdir()
    first = document_statuses(out)
    assert document_statuses(out) == first
    assert len(computed) == 6
