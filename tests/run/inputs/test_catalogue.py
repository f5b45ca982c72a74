"""A table of scans: what it says goes into the records, and what is wrong with it is told with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desunt.errors import UsageError
from desunt.run import batch
from desunt.run.inputs.catalogue import merge_metadata, read_catalogue
from desunt.settings import Settings
from tests.support.rendered_pages import letter_page

VERSIONS = (("desunt", "test"),)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "box").mkdir()
    for name in ("b.png", "a.png"):
        letter_page(f"Letter {name}").save(tmp_path / "box" / name, dpi=(300, 300))
    return tmp_path


def table(home: Path, text: str, encoding: str = "utf-8") -> Path:
    path = home / "boxes.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_files_and_metadata_in_the_order_of_the_table(home: Path) -> None:
    path = table(home, 'Path,Title,Reference code,notes\nbox/b.png,"Harriman, No. 2",RG 59,\n\nbox/a.png,A,,x\n', "utf-8-sig")
    assert read_catalogue(path) == {
        home / "box/b.png": (("title", "Harriman, No. 2"), ("reference-code", "RG 59")),
        home / "box/a.png": (("title", "A"), ("notes", "x")),
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title\nx\n", "line 1: no column is called path"),
        ("path,title,Title\n", "line 1: a column has no name"),
        ("path\n", "lists nothing"),
        ("", "lists nothing"),
        ("path,title\nbox/a.png,A\nbox/c.png,C\n", "line 3: box/c.png: no such file"),
        ("path,title\n,A\n", "line 2: no path"),
        ("path,title\nbox/a.png,A\nbox/a.png,B\n", "line 3: box/a.png is listed twice"),
        ("path,title\nbox/a.png,A,B\n", "line 2: 3 cells under 2 names"),
        ('path,title\nbox/a.png,"A\n', "line 2: "),
        ("path,title\nbox/a.png,A\nbox/../box/a.png,B\n", "line 3: box/../box/a.png is listed twice"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(home: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as told:
        read_catalogue(table(home, text))
    assert says in str(told.value)


def test_a_table_that_is_no_text(home: Path) -> None:
    (home / "boxes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        read_catalogue(home / "boxes.csv")


def test_a_catalogue_outranks_what_a_document_says_of_itself() -> None:
    assert merge_metadata((("title", "A"),), (("title", "B"), ("date", "1945"))) == (("title", "A"), ("date", "1945"))


def test_metadata_are_in_records_and_exports_and_a_change_does_the_pages_anew(home: Path) -> None:
    settings = Settings(out=home / "out", executor="serial", formats=("tei", "iiif"))

    def run(title: str) -> batch.RunSummary:
        catalogue = read_catalogue(table(home, f"path,title,date\nbox/a.png,{title},1945-07-03\n"))
        return batch.run([*catalogue], settings, VERSIONS, catalogue=catalogue)

    assert run("A letter").pages["done"] == 1
    record = json.loads((home / "out/a/record.json").read_bytes())
    assert record["document"]["metadata"] == [["title", "A letter"], ["date", "1945-07-03"]]
    for name in ("a.tei.xml", "a.manifest.json"):
        export = (home / "out/a" / name).read_text("utf-8")
        assert "A letter" in export, name
        assert "1945-07-03" in export, name
    assert run("A letter").pages["skipped"] == 1
    assert run("Another").pages["done"] == 1
