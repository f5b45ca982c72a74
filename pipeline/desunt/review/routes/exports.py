"""What can be taken away: decisions as JSON lines and as a table, and the progress."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from desunt.review.answers import COMMON, twin
from desunt.review.people import Desk, Reader
from desunt.review.store.types import Chain


def exports(desk: Desk, person: Reader) -> Chain:
    """Return the state of the chain of hashes over all decisions."""
    return desk.store.decisions.verify_chain()


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
    twin(pages, api, "/exports", "exports.html.j2", exports, Chain)
    for name, build in FILES.items():
        kind = "application/x-ndjson" if name.endswith("jsonl") else "text/csv"
        described: dict[int | str, dict[str, Any]] = {**COMMON, 200: {"content": {kind: {}}, "description": "The file."}}
        pages.get(f"/exports/{name}", response_class=StreamingResponse)(build)
        api.get(f"/exports/{name}", response_class=StreamingResponse, responses=described)(build)
