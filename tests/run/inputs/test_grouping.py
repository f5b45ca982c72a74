"""Documents of several files: what a table may say, and how a run is planned over it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from desunt.errors import UsageError
from desunt.record.folder import has_pages_after
from desunt.record.scan_files import scan_path
from desunt.run.inputs.catalogue import DocumentGroup, group_sources, read_catalogue, read_groups
from desunt.run.inputs.discovery import InputSource, assign_folders, find_sources
from desunt.run.plan import DocumentPlan, plan_document
from desunt.run.workflow import PageTask, SourcePart
from desunt.settings import Settings

KINDS = frozenset({".png", ".tif"})
VERSIONS = (("desunt", "test"),)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Scans of one page each, all different but the two blank ones, and a TIFF of two."""
    (tmp_path / "box").mkdir()
    for grey, name in enumerate(("a.png", "b.png", "c.png", "blank-1.png", "blank-2.png")):
        Image.new("L", (40, 40), 255 if "blank" in name else grey).save(tmp_path / "box" / name)
    pages = [Image.new("L", (40, 40), grey) for grey in (100, 101)]
    pages[0].save(tmp_path / "box" / "two.tif", save_all=True, append_images=pages[1:])
    return tmp_path


def table(home: Path, *lines: str) -> Path:
    path = home / "boxes.csv"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def sources_of(path: Path) -> list[InputSource]:
    catalogue = read_catalogue(path)
    return group_sources(find_sources([*catalogue], KINDS, path.parent / "out"), catalogue, read_groups(path))


def plan_of(path: Path) -> DocumentPlan:
    (source,) = assign_folders(sources_of(path), {})
    return plan_document(source, Settings(), VERSIONS)


def keys(path: Path) -> dict[tuple[str, int], str]:
    return {(page.part.name, page.part.page): page.key for page in plan_of(path).pages if page.part}


def test_lines_of_one_document_are_one_source_where_its_first_file_stood(home: Path) -> None:
    path = table(
        home, "path,document,title,date", "box/b.png,RG 59/861.24,Cable,1945", "box/c.png,,Alone,", "box/a.png,RG 59/861.24,,",
        "box/two.tif, RG 59/861.24,Cable,1945",
    )  # fmt: skip
    several, alone = assign_folders(sources_of(path), {})
    assert several.files == ("box/b.png", "box/a.png", "box/two.tif")
    assert (several.id, several.path, several.folder) == ("RG 59/861.24", home, "RG 59_861.24")
    assert several.metadata == (("title", "Cable"), ("date", "1945"))
    assert (alone.id, alone.files, alone.metadata) == ("c.png", (), (("title", "Alone"),))


def test_pages_follow_each_other_and_each_names_its_own_file(home: Path) -> None:
    found = plan_of(table(home, "path,document", "box/a.png,one", "box/two.tif,one", "box/b.png,one"))
    assert [page.part for page in found.pages] == [
        SourcePart("box/a.png", 1), SourcePart("box/two.tif", 1), SourcePart("box/two.tif", 2), SourcePart("box/b.png", 1)
    ]  # fmt: skip
    assert [scan_path(found.source.path, page.part.name) for page in found.pages if page.part] == [page.path for page in found.pages]
    assert len(set(found.keys)) == 4
    task = found.task(3, Settings())
    assert (task.path, task.file_name, task.page_in_file, task.number) == (home / "box/two.tif", "box/two.tif", 2, 3)


def test_a_file_that_is_replaced_changes_only_the_keys_of_its_pages(home: Path) -> None:
    path = table(home, "path,document", "box/a.png,one", "box/b.png,one", "box/c.png,one")
    before = keys(path)
    Image.new("L", (40, 40), 77).save(home / "box/b.png")
    after = keys(path)
    assert {name for name, _ in before if before[name, 1] != after[name, 1]} == {"box/b.png"}


def test_keys_depend_on_order_name_and_what_the_table_says(home: Path) -> None:
    before = keys(table(home, "path,document", "box/a.png,one", "box/b.png,one"))
    moved = keys(table(home, "path,document", "box/b.png,one", "box/a.png,one"))
    told = keys(table(home, "path,document,title", "box/a.png,one,A", "box/b.png,one,"))
    (home / "box/a.png").rename(home / "box/d.png")
    renamed = keys(table(home, "path,document", "box/d.png,one", "box/b.png,one"))
    assert renamed["box/b.png", 1] == before["box/b.png", 1]
    assert len({*before.values(), *moved.values(), *told.values(), *renamed.values()}) == 7


def test_files_of_the_same_bytes_do_not_share_ids(home: Path) -> None:
    found = plan_of(table(home, "path,document", "box/blank-1.png,one", "box/blank-2.png,one"))
    tasks = [found.task(number, Settings()) for number in (1, 2)]
    assert tasks[0].sha256 == tasks[1].sha256
    assert [task.id_seed for task in tasks] == ["one", "one\x1f2"]
    assert PageTask(Path("a.png"), "a.png", 1, "0" * 64, "", Settings()).id_seed == "a.png"


def test_a_broken_file_is_a_page_that_cannot_be_read_unless_all_are(home: Path) -> None:
    (home / "box/b.png").write_bytes(b"")
    found = plan_of(table(home, "path,document", "box/a.png,one", "box/b.png,one"))
    assert (found.problem, found.pages[0].problem) == ("", "")
    assert "b.png: the file is empty" in found.pages[1].problem
    (home / "box/a.png").write_bytes(b"")
    found = plan_of(table(home, "path,document", "box/a.png,one", "box/b.png,one"))
    assert found.pages == ()
    assert "a.png: the file is empty" in found.problem
    assert "Nor can any other file" in found.problem


def test_a_document_in_folders_beside_the_table_has_names_that_lead_nowhere_else(home: Path) -> None:
    (home / "tables").mkdir()
    path = table(home / "tables", "path,document", "../box/a.png,one", f"{home}/box/two.tif,one")
    (source,) = sources_of(path)
    assert source.files == ("a.png", "two.tif")
    assert source.path == (home / "box").resolve()


def test_a_table_in_the_working_folder_gives_a_source_with_a_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table(home, "path,document", "box/a.png,one")
    monkeypatch.chdir(home)
    (found,) = read_groups(Path("boxes.csv"))
    assert (found.root, found.files) == (home.resolve(), ("box/a.png",))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("path,document,title", "box/a.png,one,A", "box/b.png,one,B"), "line 3: box/b.png: title is 'B', but 'A' in line 2"),
        (("path,document,title", "box/a.png,one,", "box/b.png,one,B"), "line 3: box/b.png: title is 'B', but nothing in line 2"),
        (("path,document", "box/a.png,one", "box/text.txt,one"), "line 3: box/text.txt is no scan"),
        (("path,document", "box/a.png,c.png", "box/b.png,c.png", "box/c.png,"), "line 2: document c.png has the name of another document"),
    ],
)
def test_what_contradicts_itself_is_told_with_its_line(home: Path, lines: tuple[str, ...], says: str) -> None:
    (home / "box/text.txt").write_text("A text.", encoding="utf-8")
    with pytest.raises(UsageError) as told:
        sources_of(table(home, *lines))
    assert says in str(told.value)
    assert str(home / "boxes.csv") in str(told.value)


def test_a_table_without_the_column_groups_nothing(home: Path) -> None:
    assert read_groups(table(home, "path,title", "box/a.png,A")) == ()
    assert read_groups(table(home, "path,document", "box/a.png,")) == ()
    assert read_groups(table(home, "path,document", "box/a.png,one")) == (
        DocumentGroup("one", home, ("box/a.png",), f"{home / 'boxes.csv'}, line 2"),
    )


def test_a_folder_searched_beside_the_table_does_not_read_its_files_twice(home: Path) -> None:
    path = table(home, "path,document", "box/b.png,one", "box/a.png,one")
    catalogue = read_catalogue(path)
    found = group_sources(find_sources([home / "box", *catalogue], KINDS, home / "out"), catalogue, read_groups(path))
    assert [source.id for source in found] == ["one", "blank-1.png", "blank-2.png", "c.png", "two.tif"]


def test_pages_that_a_document_lost_are_known_by_their_files(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "0002.failed.json").write_text("{}")
    assert has_pages_after(tmp_path, 1)
    assert not has_pages_after(tmp_path, 2)
