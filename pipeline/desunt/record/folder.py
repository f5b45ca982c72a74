"""What is done and what is not: a document's folder read as a journal.

`source.json` says which input the folder belongs to and how many pages it has; a page is done when its file exists under
the key of the work; `pages/0001.failed.json` says why a page failed. The files are the truth: nothing here can disagree with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from desunt.errors import DesuntError
from desunt.record.files import PageConjecturesFile, PageFile, from_json, to_json, write_atomically
from desunt.record.lazy import pages_without_words
from desunt.record.status_cache import statuses

State: TypeAlias = Literal["done", "needs review", "failed", "unfinished"]


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


@dataclass(frozen=True, slots=True)
class DocumentStatus:
    """How far a document is; `nothing_read` counts pages on which no word was read: blank ones, and those where only handwriting stands."""

    folder: str
    document_id: str
    state: State
    pages: int
    done: int
    failed: int
    gaps: int
    problem: str = ""
    nothing_read: int = 0


def page_path(folder: Path, number: int, kind: Literal["", ".conjectures", ".failed"] = "") -> Path:
    """Return where a page's facts, opinions or failure are kept."""
    return folder / "pages" / f"{number:04d}{kind}.json"


def read_key(path: Path) -> str | None:
    """Return the key a page file was made under without reading all of it; None if there is no such file or it is cut off."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    key = content.get("key") if isinstance(content, dict) else None
    return key if isinstance(key, str) else None


def is_done(folder: Path, number: int, key: str) -> bool:
    """Say whether facts and opinions of the page exist under this key."""
    return read_key(page_path(folder, number)) == key == read_key(page_path(folder, number, ".conjectures"))


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


def forget_pages(folder: Path, *, beyond: int) -> None:
    """Remove the files of pages that the source no longer has."""
    for path in folder.glob("pages/*.json"):
        if int(path.name.partition(".")[0]) > beyond:
            path.unlink()


def has_pages(folder: Path, *, beyond: int) -> bool:
    """Say whether there are files of pages that the source no longer has."""
    return any(int(path.name.partition(".")[0]) > beyond for path in folder.glob("pages/*.json"))


def write_source(folder: Path, about: SourceFile) -> None:
    """Write whose folder this is, so that an interrupted run can be told how far it got; remove what a killed one left half-written."""
    for left in (*folder.glob(".*.part"), *folder.glob("pages/.*.part")):
        left.unlink(missing_ok=True)
    path = folder / "source.json"
    if not path.exists() or path.read_bytes() != to_json(about):
        write_atomically(path, to_json(about))


def read_source(folder: Path) -> SourceFile | None:
    """Return whose folder this is; None if nobody's."""
    try:
        found: SourceFile = from_json(SourceFile, folder / "source.json")
    except DesuntError:
        return None
    return found


def owners(out: Path) -> dict[str, str]:
    """Map the folders of earlier runs to the ids of their documents."""
    return {folder.name: source.document_id for folder in _folders(out) if (source := read_source(folder))}


def _folders(out: Path) -> Iterator[Path]:
    if out.is_dir():
        yield from sorted(path.parent for path in out.glob("*/source.json"))


def status(out: Path) -> list[DocumentStatus]:
    """Say how far each document of an outputs folder is; what was said before and has not changed is not looked up again."""
    return [DocumentStatus(*one) for one in json.loads(f"[{','.join(statuses(out, _as_text))}]")] if out.is_dir() else []


def _as_text(folder: Path) -> str | None:
    source = read_source(folder)
    return json.dumps(astuple(status_of(folder, source))) if source else None


def status_of(folder: Path, source: SourceFile) -> DocumentStatus:
    """Say how far one document is, from the files of its folder."""
    failed = len(list(folder.glob("pages/*.failed.json")))
    read = len([p for p in folder.glob("pages/*.json") if p.name.count(".") == 1])
    record = folder / "record.json"
    gaps, unread = (open_gaps(folder), pages_without_words(folder)) if record.exists() else (0, 0)
    problem = source.problem or "; ".join(_problems(folder))
    state: State = "failed" if problem or failed else "unfinished" if not record.exists() else "needs review" if gaps else "done"
    done = source.pages if record.exists() and source.pages and not read and not failed else read
    return DocumentStatus(folder.name, source.document_id, state, source.pages, done, failed, gaps, problem, unread)


def _problems(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("pages/*.failed.json")):
        failure: FailedFile = from_json(FailedFile, path)
        yield f"page {int(path.name.partition('.')[0])}: {failure.problem}"


def open_gaps(folder: Path) -> int:
    """Count the gaps an editor could still decide."""
    try:
        opinions = json.loads((folder / "conjectures.json").read_bytes())["opinions"]
    except (OSError, ValueError, KeyError):
        return 0
    return len(opinions)


def as_rows(found: list[DocumentStatus]) -> list[dict[str, object]]:
    """Return the statuses for a program."""
    return [asdict(one) for one in found]
