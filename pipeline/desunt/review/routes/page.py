"""A page as a whole: correct a word that was never flagged; add, split, join and move gaps."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from desunt.record.conjecture import Basis
from desunt.review.auth import Desk, Editor, Reader
from desunt.review.decision_form import LONGEST_NOTE, LONGEST_TEXT
from desunt.review.edit_form import EditAsked, edit_proposal
from desunt.review.rendering import CHANGE, back_to, render, twin
from desunt.review.store.types import Conflict, Entry, Invalid, Proposal
from desunt.review.views.done import Done, done_view
from desunt.review.views.page import PageView, page_view

Key = Annotated[str, Path(pattern="^[0-9a-f]{12}$", description="key of a document")]
Number = Annotated[int, Path(ge=1, le=1_000_000)]
Token = Annotated[str, Query(pattern="^[0-9a-zA-Z_-]{0,64}$", description="id of the word or gap that is looked at")]
Uid = Annotated[str, Query(pattern="^([0-9a-f]{32})?$")]
FormUid = Annotated[str, Field(pattern="^([0-9a-f]{32})?$")]


@dataclass(frozen=True, slots=True)
class PagePage:
    """A page, the token that is looked at, and what has just happened; `typed` is given back where something was wrong."""

    page: PageView
    uid: str
    done: Done | None = None
    problem: str = ""
    typed: str = ""
    note: str = ""


class Correction(BaseModel):
    """How an editor reads a word that was read otherwise; `version` is the one the page was shown with."""

    text: str = Field(max_length=LONGEST_TEXT)
    basis: Basis = "ink"
    note: str = Field("", max_length=LONGEST_NOTE)
    version: str = Field("", max_length=100)
    uid: FormUid = ""


def page(desk: Desk, person: Reader, key: Key, number: Number, at: Token = "", done: Uid = "") -> PagePage:
    """Return a page with its words and gaps, and what can be done with the one that is looked at."""
    return PagePage(page_view(desk, key, number, at), token_hex(16), done_view(desk, done))


def correct(desk: Desk, person: Editor, key: Key, word_id: str, asked: Correction) -> Entry:
    """Log that a word reads otherwise; the page's own word stays on record."""
    document_id = desk.library.find(key).document_id
    desk.store.index.word(document_id, word_id)
    return desk.store.decisions.decide(
        Proposal(
            word_id,
            "corrected",
            person.name,
            asked.version,
            asked.basis,
            asked.text.strip(),
            asked.note.strip(),
            document_id=document_id,
            uid=asked.uid or None,
        )
    )


def edit(desk: Desk, person: Editor, key: Key, asked: EditAsked) -> Entry:
    """Log a change of which places of a line are gaps."""
    return desk.store.decisions.edit(edit_proposal(desk, person.name, desk.library.find(key).document_id, asked))


def correct_by_form(
    request: Request, desk: Desk, person: Editor, key: Key, number: Number, word_id: str, asked: Annotated[Correction, Form()]
) -> Response:
    """Log the correction and show the page; where it fails, with what was typed."""
    try:
        entry = correct(desk, person, key, word_id, asked)
    except (Conflict, Invalid) as error:
        return _again(request, desk, key, number, word_id, error, asked.text, asked.note)
    return back_to(f"/documents/{key}/pages/{number}?at={word_id}&done={entry.uid}")


def edit_by_form(request: Request, desk: Desk, person: Editor, key: Key, number: Number, asked: Annotated[EditAsked, Form()]) -> Response:
    """Log the change and show the page with what came of it."""
    try:
        entry = edit(desk, person, key, asked)
    except (Conflict, Invalid) as error:
        return _again(request, desk, key, number, asked.at, error, "", asked.note)
    new = entry.edit.gaps[0].id if entry.edit and entry.edit.gaps else ""
    return back_to(f"/documents/{key}/pages/{number}?at={new}&done={entry.uid}")


def _again(request: Request, desk: Desk, key: str, number: int, at: str, error: Conflict | Invalid, typed: str, note: str) -> HTMLResponse:
    view = PagePage(page_view(desk, key, number, at), token_hex(16), None, str(error), typed, note)
    return render(request, "page.html.j2", status=409 if isinstance(error, Conflict) else 422, view=view)


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    twin(pages, api, "/documents/{key}/pages/{number}", "page.html.j2", page, PagePage)
    pages.post("/documents/{key}/pages/{number}/words/{word_id}")(correct_by_form)
    pages.post("/documents/{key}/pages/{number}/edits")(edit_by_form)
    api.post("/documents/{key}/words/{word_id}", status_code=201, responses=CHANGE)(correct)
    api.post("/documents/{key}/edits", status_code=201, responses=CHANGE)(edit)
