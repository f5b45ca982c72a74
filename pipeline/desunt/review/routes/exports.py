"""What can be taken away, and taken over from another desk: decisions as JSON lines or as a table; and the progress."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.responses import HTMLResponse, StreamingResponse

from desunt.errors import IntegrityError
from desunt.review.auth import ApproverUser, Desk, SignedInUser
from desunt.review.rendering import CHANGE_RESPONSES, COMMON_RESPONSES, add_page_and_api, render
from desunt.review.store.types import ChainCheck

DecisionsFile = Annotated[UploadFile, File(description="a decisions.jsonl or decisions.csv as a desk exports it")]


@dataclass(frozen=True, slots=True)
class ImportConflict:
    """An entry that was taken over without effect, and why."""

    uid: str
    problem: str


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What came of an import: entries taken over, entries that were here already, and those of them that conflict."""

    added: int
    known: int
    conflicts: tuple[ImportConflict, ...]


@dataclass(frozen=True, slots=True)
class ExportsView:
    """The state of the chain of hashes, and what has just been taken over; `problem` says why nothing was."""

    chain: ChainCheck
    resolves: bool
    imported: ImportSummary | None = None
    problem: str = ""


def exports(desk: Desk, user: SignedInUser) -> ExportsView:
    """Return the state of the chain of hashes over all decisions."""
    return ExportsView(desk.store.decisions.verify_chain(), user.resolves)


def import_decisions(desk: Desk, user: ApproverUser, file: DecisionsFile) -> ImportSummary:
    """Take over the decisions of another desk: who and when stay as they were, and what conflicts is kept without effect."""
    # A line ends at its line feed: a carriage return may stand inside a cell.
    lines = io.TextIOWrapper(file.file, "utf-8-sig", newline="\n")
    try:
        first = next(lines, "")
        import_lines = desk.store.exchange.import_jsonl if first.lstrip().startswith("{") else desk.store.exchange.import_csv
        result = import_lines(chain([first], lines))
    except UnicodeDecodeError as error:
        raise IntegrityError(f"the file is no UTF-8 text: {error.reason}", remedy="Export it anew") from None
    return ImportSummary(result.added, result.already_there, tuple(ImportConflict(uid, problem) for uid, problem in result.conflicts))


def import_by_form(request: Request, desk: Desk, user: ApproverUser, file: DecisionsFile) -> HTMLResponse:
    """Take them over and say what came of it; nothing at all is taken from a file that was changed."""
    imported, problem = None, ""
    try:
        imported = import_decisions(desk, user, file)
    except IntegrityError as error:
        problem = str(error)
    view = ExportsView(desk.store.decisions.verify_chain(), user.resolves, imported, problem)
    return render(request, "exports.html.j2", status=422 if problem else 200, view=view)


def decisions_jsonl(desk: Desk, user: SignedInUser) -> StreamingResponse:
    """Return decisions.jsonl: one entry a line, in the order they were logged."""
    return _download(desk.store.exchange.export_jsonl(), "application/x-ndjson", "decisions.jsonl")


def decisions_csv(desk: Desk, user: SignedInUser) -> StreamingResponse:
    """Return the entries as a table."""
    return _download(desk.store.exchange.export_csv(), "text/csv", "decisions.csv")


def progress_csv(desk: Desk, user: SignedInUser) -> StreamingResponse:
    """Return the progress as a table."""
    return _download(iter([desk.store.progress.csv()]), "text/csv", "progress.csv")


def _download(content: Any, media_type: str, name: str) -> StreamingResponse:
    return StreamingResponse(
        content, media_type=f"{media_type}; charset=utf-8", headers={"content-disposition": f'attachment; filename="{name}"'}
    )


DOWNLOADS = {"decisions.jsonl": decisions_jsonl, "decisions.csv": decisions_csv, "progress.csv": progress_csv}


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    add_page_and_api(pages, api, "/exports", "exports.html.j2", exports, ExportsView)
    for name, build in DOWNLOADS.items():
        media_type = "application/x-ndjson" if name.endswith("jsonl") else "text/csv"
        responses: dict[int | str, dict[str, Any]] = {**COMMON_RESPONSES, 200: {"content": {media_type: {}}, "description": "The file."}}
        pages.get(f"/exports/{name}", response_class=StreamingResponse)(build)
        api.get(f"/exports/{name}", response_class=StreamingResponse, responses=responses)(build)
    pages.post("/imports", response_class=HTMLResponse)(import_by_form)
    api.post("/imports", responses=CHANGE_RESPONSES)(import_decisions)
