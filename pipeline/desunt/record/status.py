"""How far the documents of an outputs folder are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from desunt.record.files import read_json
from desunt.record.folder import FailedFile, SourceFile, page_number, read_source
from desunt.record.lazy import count_pages_without_words
from desunt.record.status_cache import cached_statuses

State: TypeAlias = Literal["done", "needs review", "failed", "unfinished"]


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


def document_statuses(out: Path) -> list[DocumentStatus]:
    """Say how far each document of an outputs folder is; what was said before and has not changed is not looked up again."""
    if not out.is_dir():
        return []
    return [DocumentStatus(*fields) for fields in json.loads(f"[{','.join(cached_statuses(out, _status_as_json))}]")]


def _status_as_json(folder: Path) -> str | None:
    source = read_source(folder)
    return json.dumps(astuple(document_status(folder, source))) if source else None


def document_status(folder: Path, source: SourceFile) -> DocumentStatus:
    """Say how far one document is, from the files of its folder."""
    failed = len(list(folder.glob("pages/*.failed.json")))
    read = len([path for path in folder.glob("pages/*.json") if path.name.count(".") == 1])
    record = folder / "record.json"
    gaps, nothing_read = (count_open_gaps(folder), count_pages_without_words(folder)) if record.exists() else (0, 0)
    problem = source.problem or "; ".join(_page_problems(folder))
    state: State = "failed" if problem or failed else "unfinished" if not record.exists() else "needs review" if gaps else "done"
    done = source.pages if record.exists() and source.pages and not read and not failed else read
    return DocumentStatus(folder.name, source.document_id, state, source.pages, done, failed, gaps, problem, nothing_read)


def _page_problems(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("pages/*.failed.json")):
        yield f"page {page_number(path)}: {read_json(FailedFile, path).problem}"


def count_open_gaps(folder: Path) -> int:
    """Count the gaps an editor could still decide."""
    try:
        opinions = json.loads((folder / "conjectures.json").read_bytes())["opinions"]
    except (OSError, ValueError, KeyError):
        return 0
    return len(opinions)


def statuses_as_dicts(statuses: list[DocumentStatus]) -> list[dict[str, object]]:
    """Return the statuses for a program."""
    return [asdict(status) for status in statuses]
