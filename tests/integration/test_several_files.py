"""Documents of several files, read by Tesseract: each page from its own file, in every export and at the desk."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from desunt.export import exporter_names
from desunt.export.writing import export_folder
from desunt.record.folder import remove_pages_after
from desunt.review.environment import open_environment
from desunt.run.inputs.discovery import Shard
from desunt.settings import Settings
from tests.support.command_line import output_bytes, run_desunt
from tests.support.desk_client import visitor
from tests.support.rendered_pages import letter_page
from tests.support.several_files import FOLDER, NAME, WORDS, Box, draw, ids_of


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Box:
    """A document of three files in every format; tests look at it and change nothing."""
    box = Box(tmp_path_factory.mktemp("several"))
    draw(box.home / "box")
    box.say("a.png", "b.tif", "c.png")
    summary = box.run(formats=tuple(exporter_names()))
    assert (dict(summary.pages), summary.documents) == ({"done": 4}, 1), summary.problems
    return box


@pytest.fixture
def box(whole: Box, tmp_path: Path) -> Box:
    """A copy that a test may change."""
    shutil.copytree(whole.home, tmp_path, dirs_exist_ok=True)
    return Box(tmp_path)


@pytest.fixture
def own(box: Box) -> Box:
    """A copy whose record names its own scans."""
    shutil.rmtree(box.home / "out")
    box.run(formats=("text", "html", "pdf"))
    return box


def test_the_pages_are_those_of_the_files_in_the_order_of_the_lines(whole: Box) -> None:
    images = [(page["number"], page["image"]["path"], page["image"]["frame"]) for page in whole.pages]
    assert images == [(1, "box/a.png", 0), (2, "box/b.tif", 0), (3, "box/b.tif", 1), (4, "box/c.png", 0)]
    assert len({page["image"]["sha256"] for page in whole.pages}) == 3
    for word, text in zip(WORDS[1:], whole.texts[1:], strict=True):
        assert word in text
    record = json.loads((whole.folder / "record.json").read_bytes())["document"]
    assert (record["id"], record["source"], record["metadata"]) == (NAME, str(whole.home), [["title", "A cable"]])


def test_every_export_is_proved_with_its_scans_and_shows_each_page_s_own(whole: Box, tmp_path: Path) -> None:
    whole.verify()
    assert (whole.folder / f"{FOLDER}.html").read_text("utf-8").count("data:image/jpeg") >= 4
    assert (whole.folder / f"{FOLDER}.pdf").read_bytes().count(b"/Subtype /Image") == 4
    for number, name in enumerate(("a.png", "b.tif", "b.tif", "c.png"), start=1):
        for suffix in ("alto.xml", "page.xml", "hocr"):
            assert name in (whole.folder / f"{FOLDER}.{number:04d}.{suffix}").read_text("utf-8"), suffix
    urls = re.findall(r'<graphic url="([^"]+)"', (whole.folder / f"{FOLDER}.tei.xml").read_text("utf-8"))
    assert urls == ["box/a.png", "box/b.tif", "box/b.tif", "box/c.png"]
    canvases = json.loads((whole.folder / f"{FOLDER}.manifest.json").read_bytes())["items"]
    assert [canvas["height"] for canvas in canvases] == [700, 700, 700, 300]


@pytest.mark.parametrize("moved", ["table", "box"])
def test_scans_that_were_moved_are_found_by_their_names(own: Box, moved: str, tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.mkdir()
    (own.home / "box").rename(away / "box")
    lost = run_desunt("verify", own.home / "out", cwd=tmp_path)
    assert (lost.returncode, lost.stdout.count("was not found")) == (0, 3), lost.stdout
    there = away if moved == "table" else away / "box"
    found = run_desunt("verify", own.home / "out", "--scans", there, cwd=tmp_path)
    assert (found.returncode, found.stdout.count("was not found")) == (0, 0), found.stdout
    Image.new("L", (1400, 300), 9).save(away / "box" / "c.png")
    changed = run_desunt("verify", own.home / "out", "--scans", there, cwd=tmp_path)
    assert (changed.returncode, "page 4" in changed.stdout) == (5, True), changed.stdout


def test_a_picture_of_another_file_is_a_breach(box: Box) -> None:
    page = (box.folder / f"{FOLDER}.html").read_text("utf-8")
    pictures = list(dict.fromkeys(re.findall(r"data:image/jpeg;base64,[^\"')]+", page)))
    (box.folder / f"{FOLDER}.html").write_text(page.replace(pictures[1], pictures[2]), encoding="utf-8")
    done = run_desunt("verify", box.home / "out", "--scans", box.home, cwd=box.home)
    assert done.returncode == 5
    assert "page 2: shows another image than its scan" in done.stdout, done.stdout


@pytest.mark.parametrize("moved", [False, True])
def test_the_desk_shows_each_page_from_its_own_file(own: Box, tmp_path: Path, moved: bool) -> None:
    elsewhere = tmp_path / "elsewhere"
    if moved:
        (own.home / "box").rename(elsewhere)
    environment = open_environment(own.home / "out", scans=elsewhere if moved else None)
    environment.store.index.refresh()
    try:
        client = visitor(environment, "anna")
        images = [page["image"] for page in own.pages]
        answers = [client.get(f"/scans/{one['sha256']}/{one['frame']}/original.jpg") for one in images]
        assert [one.status_code for one in answers] == [200] * 4
        assert len({one.content for one in answers}) == 4
        sizes = [Image.open(io.BytesIO(one.content)).size for one in answers]
        assert sizes == [(one["width"], one["height"]) for one in images]
    finally:
        environment.store.close()


def test_exports_are_made_again_from_the_record_alone(box: Box) -> None:
    before = output_bytes(box.home / "out")
    for name in ("pdf", "html"):
        (box.folder / f"{FOLDER}.{name}").unlink()
    export_folder(box.folder, (("pdf", "diplomatic"), ("html", "apparatus")), Settings())
    # The record of the copy names the folder that it was copied from, whose scans are the same.
    assert output_bytes(box.home / "out") == before


def test_a_second_run_does_nothing(box: Box) -> None:
    box.say("a.png", "b.tif", "c.png")
    before = {path: path.stat().st_mtime_ns for path in (box.home / "out").rglob("*") if path.parent == box.folder / "pages"}
    assert dict(box.run().pages) == {"skipped": 4}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert dict(box.run(redo=True).pages) == {"done": 4}
    assert dict(box.run(dry_run=True, redo=True).pages) == {"would read": 4}


def test_a_file_that_is_replaced_is_read_again_and_no_other(box: Box) -> None:
    letter_page("The telegram was short.").save(box.home / "box" / "c.png", dpi=(300, 300))
    assert dict(box.run().pages) == {"done": 1, "skipped": 3}
    assert "telegram" in box.texts[3]
    assert "railroad" not in (box.folder / "record.json").read_text("utf-8")
    box.verify()


def test_another_order_is_another_document_without_anything_stale(box: Box, tmp_path: Path) -> None:
    before = dict(zip(("a", "b1", "b2", "c"), map(ids_of, box.pages), strict=True))
    box.say("c.png", "a.png", "b.tif")
    box.run(formats=tuple(exporter_names()))
    assert list(map(ids_of, box.pages)) == [before[name] for name in ("c", "a", "b1", "b2")], "what editors decided finds its place"
    assert [page["image"]["path"] for page in box.pages] == ["box/c.png", "box/a.png", "box/b.tif", "box/b.tif"]
    assert "railroad" in box.texts[0]
    box.verify()
    after = output_bytes(box.home / "out")
    shutil.rmtree(box.home / "out")
    box.run(formats=tuple(exporter_names()))
    assert output_bytes(box.home / "out") == after


@pytest.mark.parametrize("left", [("a.png", "b.tif"), ("b.tif", "c.png"), ("a.png",)])
def test_the_pages_of_a_line_that_is_taken_out_are_gone(box: Box, left: tuple[str, ...]) -> None:
    box.say(*left)
    box.run(formats=tuple(exporter_names()))
    pages = {"a.png": 1, "b.tif": 2, "c.png": 1}
    names = [f"box/{name}" for name in left for _ in range(pages[name])]
    assert [page["image"]["path"] for page in box.pages] == names
    assert len(list(box.folder.glob("pages/*.conjectures.json"))) == len(list(box.folder.glob("*.hocr"))) == len(names)
    box.verify()
    assert dict(box.run().pages) == {"skipped": len(names)}


def test_a_run_killed_when_a_last_page_was_dropped_goes_on(box: Box) -> None:
    box.say("a.png", "b.tif")
    (box.folder / "manifest.json").unlink()
    remove_pages_after(box.folder, 3)
    assert dict(box.run().pages) == {"skipped": 3}
    assert len(box.pages) == 3


def test_a_broken_file_is_a_page_that_was_not_read(box: Box) -> None:
    shutil.rmtree(box.home / "out")
    good = (box.home / "box" / "b.tif").read_bytes()
    (box.home / "box" / "b.tif").write_bytes(b"II*\0 cut off")
    command = ("run", "--manifest", "boxes.csv", "--out", "out", "--model", "ngram", "--jobs", "1", "--format", "text,html,pdf,alto")
    done = run_desunt(*command, cwd=box.home)
    assert (done.returncode, "b.tif" in done.stderr) == (4, True), done.stderr
    assert f"failed {NAME} page 2: " in done.stderr
    assert "[PAGE NOT READ]" in box.texts[1]
    assert "railroad" in box.texts[2]
    box.verify()
    (status,) = json.loads(run_desunt("status", "out", "--json", cwd=box.home).stdout)
    assert (status["document_id"], status["state"], status["pages"], status["done"], status["failed"]) == (NAME, "failed", 3, 2, 1)
    rows = (box.home / "out" / "report.csv").read_text("utf-8-sig").splitlines()
    assert [row.split(",")[2] for row in rows[1:]].count("failed") == 1
    again = run_desunt(*command, cwd=box.home)
    assert (again.returncode, "2 skipped" in again.stderr) == (4, True), again.stderr
    (box.home / "box" / "b.tif").write_bytes(good)
    mended = run_desunt(*command, cwd=box.home)
    assert mended.returncode == 0, mended.stderr
    assert len(box.pages) == 4
    assert "[PAGE NOT READ]" not in "".join(box.texts)
    box.verify()


def test_a_document_none_of_whose_files_can_be_read_fails_as_a_whole(box: Box) -> None:
    shutil.rmtree(box.home / "out")
    for name in ("a.png", "c.png"):
        (box.home / "box" / name).write_bytes(b"")
    box.say("a.png", "c.png")
    summary = box.run()
    assert (summary.exit_code, summary.unreadable_documents, dict(summary.pages)) == (2, 1, {"failed": 1})
    assert "a.png: the file is empty" in summary.problems[0]


def test_two_files_of_the_same_bytes_are_two_pages(box: Box) -> None:
    shutil.copy(box.home / "box" / "a.png", box.home / "box" / "d.png")
    box.say("a.png", "d.png")
    box.run(formats=tuple(exporter_names()))
    ids = [one for page in box.pages for one in ids_of(page)]
    assert len(ids) == len(set(ids)) > 8
    box.verify()


def test_every_document_is_in_one_share(box: Box) -> None:
    shutil.rmtree(box.home / "out")
    found = [dict(box.run(dry_run=True, shard=Shard(number, 3)).pages) for number in (1, 2, 3)]
    assert sorted(map(len, found)) == [0, 0, 1]


def test_a_cluster_that_shares_no_folder_gets_each_page_s_own_file(box: Box) -> None:
    pytest.importorskip("distributed")
    command = ("run", "--manifest", "boxes.csv", "--model", "ngram", "--format", "text,html,pdf,json")
    serial = run_desunt(*command, "--out", "serial", "--executor", "serial", cwd=box.home)
    assert serial.returncode == 0, serial.stderr
    dask = run_desunt(*command, "--out", "dask", "--executor", "dask", "--ship", "bytes", "--jobs", "1", cwd=box.home)
    assert dask.returncode == 0, dask.stderr
    assert output_bytes(box.home / "dask") == output_bytes(box.home / "serial")


def test_an_engine_that_reads_beside_the_scan_finds_each_file_s_own(box: Box) -> None:
    """The ALTO of each page, as the first run wrote it, is the reading of the next."""
    for number, name in ((1, "a"), (2, "b.0001"), (3, "b.0002"), (4, "c")):
        shutil.copy(box.folder / f"{FOLDER}.{number:04d}.alto.xml", box.home / "box" / f"{name}.alto.xml")
    command = (
        "run",
        "--manifest",
        "boxes.csv",
        "--out",
        "beside",
        "--model",
        "ngram",
        "--engine",
        "alto",
        "--format",
        "text",
        "--jobs",
        "1",
    )
    done = run_desunt(*command, cwd=box.home)
    assert done.returncode == 0, done.stderr
    pages = (box.home / "beside" / FOLDER / f"{FOLDER}.txt").read_text("utf-8").split("\f")
    for word, text in zip(WORDS[1:], pages[1:4], strict=True):
        assert word in text
