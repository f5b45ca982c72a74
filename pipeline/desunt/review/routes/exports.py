"""What can be taken away, and taken over from another desk: decisions as JSON lines or as a table; and the progress."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.responses import HTMLResponse, StreamingResponse

from desunt.errors import WallBroken
from desunt.review.auth import Approver, Desk, Reader
from desunt.review.rendering import CHANGE, COMMON, render, twin
from desunt.review.store.types import Chain

Given = Annotated[UploadFile, File(description="a decisions.jsonl or decisions.csv as a desk exports it")]


@dataclass(frozen=True, slots=True)
class Clash:
    """An entry that was taken over without effect, and why."""

    uid: str
    problem: str


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What came of an import: entries taken over, entries that were here already, and those of them that conflict."""

    added: int
    known: int
    conflicts: tuple[Clash, ...]


@dataclass(frozen=True, slots=True)
class ExportsView:
    """The state of the chain of hashes, and what has just been taken over; `problem` says why nothing was."""

    chain: Chain
    resolves: bool
    imported: TakenOver | None = None
    problem: str = ""


def exports(desk: Desk, person: Reader) -> ExportsView:
    """Return the state of the chain of hashes over all decisions."""
    return ExportsView(desk.store.decisions.verify_chain(), person.resolves)


def take_over(desk: Desk, person: Approver, file: Given) -> TakenOver:
    """Take over the decisions of another desk: who and when stay as they were, and what conflicts is kept without effect."""
    # A line ends at its line feed: a carriage return may stand inside a cell.
    lines = iter(io.TextIOWrapper(file.file, "utf-8-sig", newline="\n"))
    try:
        first = next(lines, "")
        take = desk.store.exchange.import_jsonl if first.lstrip().startswith("{") else desk.store.exchange.import_csv
        made = take(_again(first, lines))
    except UnicodeDecodeError as error:
        raise WallBroken(f"the file is no UTF-8 text: {error.reason}", remedy="Export it anew") from None
    return TakenOver(made.added, made.known, tuple(Clash(uid, problem) for uid, problem in made.conflicts))


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def take_over_by_form(request: Request, desk: Desk, person: Approver, file: Given) -> HTMLResponse:
    """Take them over and say what came of it; nothing at all is taken from a file that was changed."""
    imported, problem = None, ""
    try:
        imported = take_over(desk, person, file)
    except WallBroken as error:
        problem = str(error)
    view = ExportsView(desk.store.decisions.verify_chain(), person.resolves, imported, problem)
    return render(request, "exports.html.j2", status=422 if problem else 200, view=view)


def decisions_jsonl(desk: Desk, person: Reader) -> StreamingResponse:
    """Return decisions.jsonl: one entry a line, in the order they were logged."""
    return _file(desk.store.exchange.export_jsonl(), "application/x-ndjson", "decisions.jsonl")


def decisions_csv(desk: Desk, person: Reader) -> StreamingResponse:
    """Return the entries as a table."""
    return _file(desk.store.exchange.export_csv(), "text/csv", "decisions.csv")


def progress_csv(desk: Desk, person: Reader) -> StreamingResponse:
    """Return the progress as a table."""
    return _file(iter([desk.store.progress.csv()]), "text/csv", "progress.csv")


def _file(content: Any, kind: str, name: str) -> StreamingResponse:
    return StreamingResponse(
        content, media_type=f"{kind}; charset=utf-8", headers={"content-disposition": f'attachment; filename="{name}"'}
    )


FILES = {"decisions.jsonl": decisions_jsonl, "decisions.csv": decisions_csv, "progress.csv": progress_csv}


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    twin(pages, api, "/exports", "exports.html.j2", exports, ExportsView)
    for name, build in FILES.items():
        kind = "application/x-ndjson" if name.endswith("jsonl") else "text/csv"
        described: dict[int | str, dict[str, Any]] = {**COMMON, 200: {"content": {kind: {}}, "description": "The file."}}
        pages.get(f"/exports/{name}", response_class=StreamingResponse)(build)
        api.get(f"/exports/{name}", response_class=StreamingResponse, responses=described)(build)
    pages.post("/imports", response_class=HTMLResponse)(take_over_by_form)
    api.post("/imports", responses=CHANGE)(take_over)
