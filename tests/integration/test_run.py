"""The main job: every page ends somewhere, nothing is done twice, nothing is half-written, and the wall holds."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command_line import FinishedRun, output_bytes, run_desunt
from tests.support.rendered_pages import letter_page


def record(out: Path, name: str) -> dict:
    return json.loads((out / name / "record.json").read_text("utf-8"))


def test_a_bad_file_ends_itself_and_not_the_run(finished: FinishedRun) -> None:
    assert finished.code == 4, finished.log
    assert "empty.png" in finished.log
    assert "text.jpg" in finished.log
    assert "Traceback" not in finished.log
    assert {p.name for p in finished.out.iterdir() if p.is_dir()} == {"letter", "note", "empty", "text"}
    assert not list(finished.out.rglob("*.part"))


def test_every_export_is_there(finished: FinishedRun) -> None:
    for name in ("letter", "note"):
        folder = finished.out / name
        for suffix in (".txt", ".apparatus.md", ".html", ".json"):
            assert (folder / f"{name}{suffix}").stat().st_size > 0
        assert (folder / "manifest.json").exists()


def test_the_page_is_read_and_its_blot_is_a_gap(finished: FinishedRun) -> None:
    text = (finished.out / "letter" / "letter.txt").read_text("utf-8")
    assert "The Ambassador informed the Minister that the" in text
    assert "[ILLEGIBLE]" in text
    opinions = json.loads((finished.out / "letter" / "conjectures.json").read_text("utf-8"))["opinions"]
    assert len(opinions) == 1
    (opinion,) = opinions.values()
    assert len(opinion["candidates"]) >= 5
    assert 0.99 < opinion["none_of_these"] + sum(c["probability"] for c in opinion["candidates"]) < 1.001


def test_every_frame_of_a_tiff_is_a_page(finished: FinishedRun) -> None:
    pages = record(finished.out, "note")["document"]["pages"]
    assert [(p["number"], p["image"]["frame"], p["image"]["dpi"]) for p in pages] == [(1, 0, 300), (2, 1, 300)]
    assert "The second page of the letter." in (finished.out / "note" / "note.txt").read_text("utf-8").split("\f")[1]


def test_the_wall_holds(finished: FinishedRun) -> None:
    done = run_desunt("verify", finished.out, "--scans", finished.scans, cwd=finished.scans)
    assert done.returncode == 0, done.stdout


def test_status_says_how_each_document_ended(finished: FinishedRun) -> None:
    found = {d["folder"]: d for d in json.loads(run_desunt("status", finished.out, "--json", cwd=finished.scans).stdout)}
    assert {name: d["state"] for name, d in found.items()} == {
        "letter": "needs review",
        "note": found["note"]["state"],
        "empty": "failed",
        "text": "failed",
    }
    assert found["letter"]["gaps"] == 1
    assert found["note"]["done"] == found["note"]["pages"] == 2


def test_a_second_run_does_nothing_and_changes_nothing(finished: FinishedRun) -> None:
    before = {p: p.stat().st_mtime_ns for p in finished.out.rglob("*.json")}
    done = run_desunt("run", finished.scans, "--model", finished.model, "--out", finished.out, cwd=finished.scans)
    assert done.returncode == 4
    assert "3 skipped" in done.stderr
    assert {p: p.stat().st_mtime_ns for p in finished.out.rglob("*.json")} == before


def test_doing_it_again_gives_the_same_bytes(finished: FinishedRun, tmp_path: Path) -> None:
    done = run_desunt(
        "run", finished.scans, "--model", finished.model, "--out", tmp_path / "out", "--executor", "serial", cwd=finished.scans.parent
    )
    assert done.returncode == 4
    assert output_bytes(tmp_path / "out") == output_bytes(finished.out)


def test_a_killed_run_goes_on_where_it_was(finished: FinishedRun, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "desunt", "run", str(finished.scans), "--model", finished.model, "--out", str(out), "--jobs", "1"]
    running = subprocess.Popen(command, cwd=finished.scans.parent, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while not list(out.glob("*/pages/0001.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    killed = output_bytes(out)
    assert any(name.endswith("pages/0001.json") for name in killed)
    for name, content in killed.items():
        if name.endswith(".json"):
            json.loads(content)
    done = run_desunt("run", finished.scans, "--model", finished.model, "--out", out, cwd=finished.scans.parent)
    assert done.returncode == 4, done.stderr
    assert " skipped" in done.stderr
    assert {n: c for n, c in output_bytes(out).items() if not n.endswith(".part")} == output_bytes(finished.out)


def test_a_failed_page_is_tried_again_when_asked(finished: FinishedRun, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    shutil.copytree(finished.scans, scans)
    first = run_desunt(
        "run", scans / "letter.png", "--model", finished.model, "--out", tmp_path / "out", "--page-seconds", "0.01", cwd=tmp_path
    )
    assert first.returncode == 4
    assert "page 1" in first.stderr
    assert "[PAGE NOT READ]" in (tmp_path / "out" / "letter" / "letter.txt").read_text("utf-8")
    assert run_desunt("verify", tmp_path / "out", cwd=tmp_path).returncode == 0
    again = run_desunt("run", scans / "letter.png", "--model", finished.model, "--out", tmp_path / "out", cwd=tmp_path)
    assert again.returncode == 4
    retried = run_desunt("run", scans / "letter.png", "--model", finished.model, "--out", tmp_path / "out", "--retry-failed", cwd=tmp_path)
    assert retried.returncode == 0, retried.stderr
    assert "Ambassador" in (tmp_path / "out" / "letter" / "letter.txt").read_text("utf-8")


def test_a_dry_run_reads_nothing(finished: FinishedRun, tmp_path: Path) -> None:
    done = run_desunt("run", finished.scans, "--model", finished.model, "--out", tmp_path / "out", "--dry-run", cwd=finished.scans)
    assert "would read" in done.stderr
    assert not (tmp_path / "out").exists()


def test_nothing_readable_ends_with_two(finished: FinishedRun, tmp_path: Path) -> None:
    done = run_desunt("run", finished.scans / "empty.png", "--model", finished.model, "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 2, done.stderr


def test_a_transcript_with_its_scan(finished: FinishedRun, tmp_path: Path) -> None:
    text = "The Ambassador informed the Minister that the\n[ILLEGIBLE] had been signed on the second of March\n"
    (tmp_path / "letter.txt").write_text(text, encoding="utf-8")
    command = (
        "run",
        finished.scans / "letter.png",
        "--model",
        finished.model,
        "--transcript",
        tmp_path / "letter.txt",
        "--out",
        tmp_path / "out",
    )
    done = run_desunt(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    gaps = [
        token
        for page in record(tmp_path / "out", "letter")["document"]["pages"]
        for region in page["regions"]
        for line in region["lines"]
        for token in line["tokens"]
        if "reason" in token
    ]
    assert len(gaps) == 1
    assert gaps[0]["box"] is not None
    assert gaps[0]["extent"]["unit"] == "character"
    assert run_desunt("verify", tmp_path / "out", "--scans", finished.scans, cwd=tmp_path).returncode == 0
    assert "1 skipped" in run_desunt(*command, cwd=tmp_path).stderr


@pytest.mark.parametrize("name", ["letter.png", "cable.txt"])
def test_a_named_file_is_one_document(finished: FinishedRun, tmp_path: Path, name: str) -> None:
    done = run_desunt("run", finished.scans / name, "--model", finished.model, "--out", tmp_path / "out", "--format", "text", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stem = Path(name).stem
    assert (tmp_path / "out" / stem / f"{stem}.txt").exists()
    assert not (tmp_path / "out" / stem / f"{stem}.html").exists()


def test_a_file_never_takes_the_place_of_another_of_its_name(tmp_path: Path) -> None:
    for box, text in (("one", "The first letter."), ("two", "The second letter.")):
        (tmp_path / box).mkdir()
        letter_page(text).save(tmp_path / box / "1.png", dpi=(300, 300))
    first = run_desunt("run", "one/1.png", "--out", "out", "--model", "ngram", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    before = output_bytes(tmp_path / "out")
    second = run_desunt("run", "two/1.png", "--out", "out", "--model", "ngram", cwd=tmp_path)
    assert second.returncode == 2
    assert "one/1.png" in second.stderr
    assert output_bytes(tmp_path / "out") == before
    both = run_desunt("run", "one/1.png", "two/1.png", "--out", "both", "--model", "ngram", cwd=tmp_path)
    assert both.returncode == 0, both.stderr
    assert len(list((tmp_path / "both").glob("*/record.json"))) == 2
    (tmp_path / "one" / "1.png").unlink()
    moved = run_desunt("run", "two/1.png", "--out", "out", "--model", "ngram", cwd=tmp_path)
    assert moved.returncode == 0, moved.stderr
