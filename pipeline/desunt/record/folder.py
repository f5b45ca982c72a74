"""The folder of a document: whose it is, and which of its pages are done.

`source.json` says which input the folder belongs to and how many pages it has; a page is done when its file exists under
the key of the work; `pages/0001.failed.json` says why a page failed. The files are the truth: nothing here can disagree with them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from desunt.errors import DesuntError, InputError
from desunt.record.atomic import write_atomically
from desunt.record.files import PageConjecturesFile, PageFile, read_json, to_json


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The content of `source.json`; `problem` is why the whole input could not be read.

    Of a document of several files, `source` is the folder they lie in, and `sha256` one hash over theirs: which they are, the pages say.
    """

    schema: str
    document_id: str
    source: str
    sha256: str
    pages: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FailedFile:
    """The content of `pages/0001.failed.json`."""

    schema: str
    key: str
    problem: str


def page_path(folder: Path, number: int, kind: Literal["", ".conjectures", ".failed"] = "") -> Path:
    """Return where a page's facts, opinions or failure are kept."""
    return folder / "pages" / f"{number:04d}{kind}.json"


def page_number(path: Path) -> int:
    """Return the number of the page that one of its files is about."""
    return int(path.name.partition(".")[0])


def read_cache_key(path: Path) -> str | None:
    """Return the key a page file was made under without reading all of it; None if there is no such file or it is cut off."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    key = content.get("key") if isinstance(content, dict) else None
    return key if isinstance(key, str) else None


def is_page_done(folder: Path, number: int, key: str) -> bool:
    """Say whether facts and opinions of the page exist under this key."""
    return read_cache_key(page_path(folder, number)) == key == read_cache_key(page_path(folder, number, ".conjectures"))


def write_page(folder: Path, number: int, facts: PageFile, opinions: PageConjecturesFile) -> None:
    """Write a page's two files; the facts last, since their presence is what says done."""
    page_path(folder, number, ".failed").unlink(missing_ok=True)
    write_atomically(page_path(folder, number, ".conjectures"), to_json(opinions))
    write_atomically(page_path(folder, number), to_json(facts))


def write_failure(folder: Path, number: int, key: str, error: BaseException) -> None:
    """Write why a page failed. Its earlier result, made under other settings, must not pass for this one."""
    problem = str(error) if isinstance(error, DesuntError) else f"{type(error).__name__}: {error}"
    write_atomically(page_path(folder, number, ".failed"), to_json(FailedFile("desunt-failed-1", key, problem)))
    page_path(folder, number).unlink(missing_ok=True)
    page_path(folder, number, ".conjectures").unlink(missing_ok=True)


def remove_pages_after(folder: Path, last: int) -> None:
    """Remove the files of pages that the source no longer has."""
    for path in _pages_after(folder, last):
        path.unlink()


def has_pages_after(folder: Path, last: int) -> bool:
    """Say whether there are files of pages that the source no longer has."""
    return bool(_pages_after(folder, last))


def _pages_after(folder: Path, last: int) -> list[Path]:
    return [path for path in folder.glob("pages/*.json") if page_number(path) > last]


def write_source(folder: Path, source: SourceFile) -> None:
    """Write whose folder this is, so that an interrupted run can be told how far it got; remove what a killed one left half-written."""
    for part in (*folder.glob(".*.part"), *folder.glob("pages/.*.part")):
        part.unlink(missing_ok=True)
    path = folder / "source.json"
    if not path.exists() or path.read_bytes() != to_json(source):
        write_atomically(path, to_json(source))


def read_source(folder: Path) -> SourceFile | None:
    """Return whose folder this is; None if nobody's."""
    try:
        return read_json(SourceFile, folder / "source.json")
    except DesuntError:
        return None


def document_folders(out: Path, *, finished: bool = False) -> list[Path]:
    """Return the folders of documents by name: all that a run began, or those alone that hold a record; none if there is no such folder."""
    return sorted(path.parent for path in out.glob("*/record.json" if finished else "*/source.json"))


def require_document_folders(out: Path, *, finished: bool = False) -> list[Path]:
    """Return what `document_folders` does. Raises InputError if that is nothing."""
    if folders := document_folders(out, finished=finished):
        return folders
    raise InputError(f"{out}: no results here", remedy="Run `desunt run` first, or name the folder with the results")


def document_ids(out: Path) -> dict[str, str]:
    """Map the folders of earlier runs to the ids of their documents."""
    return {folder.name: source.document_id for folder in document_folders(out) if (source := read_source(folder))}
