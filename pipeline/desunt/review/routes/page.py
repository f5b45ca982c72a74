"""A page as a whole: correct a word that was never flagged; add, split, join and move gaps."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from desunt.record.conjecture import Basis
from desunt.record.decision_log import LogEntry
from desunt.review.auth import Desk, EditorUser, SignedInUser
from desunt.review.decision_form import MAX_NOTE_LETTERS, MAX_TEXT_LETTERS
from desunt.review.edit_form import EditForm, to_edit_proposal
from desunt.review.rendering import CHANGE_RESPONSES, add_page_and_api, redirect_back, render
from desunt.review.store.types import Conflict, Invalid, Proposal
from desunt.review.views.entry_words import RecordedAction, recorded_action
from desunt.review.views.page import PageView, page_view

Key = Annotated[str, Path(pattern="^[0-9a-f]{12}$", description="key of a document")]
Number = Annotated[int, Path(ge=1, le=1_000_000)]
Token = Annotated[str, Query(pattern="^[0-9a-zA-Z_-]{0,64}$", description="id of the word or gap that is looked at")]
Uid = Annotated[str, Query(pattern="^([0-9a-f]{32})?$")]
FormUid = Annotated[str, Field(pattern="^([0-9a-f]{32})?$")]


@dataclass(frozen=True, slots=True)
class PageScreen:
    """A page, the token that is looked at, and what has just happened; `typed` is given back where something was wrong."""

    page: PageView
    uid: str
    done: RecordedAction | None = None
    problem: str = ""
    typed: str = ""
    note: str = ""


class CorrectionForm(BaseModel):
    """How an editor reads a word that was read otherwise; `version` is the one the page was shown with."""

    text: str = Field(max_length=MAX_TEXT_LETTERS)
    basis: Basis = "ink"
    note: str = Field("", max_length=MAX_NOTE_LETTERS)
    version: str = Field("", max_length=100)
    uid: FormUid = ""


def page(desk: Desk, user: SignedInUser, key: Key, number: Number, at: Token = "", done: Uid = "") -> PageScreen:
    """Return a page with its words and gaps, and what can be done with the one that is looked at."""
    return PageScreen(page_view(desk, key, number, at), token_hex(16), recorded_action(desk, done))


def correct(desk: Desk, user: EditorUser, key: Key, word_id: str, form: CorrectionForm) -> LogEntry:
    """Log that a word reads otherwise; the page's own word stays on record."""
    document_id = desk.library.find(key).document_id
    desk.store.index.find_word(document_id, word_id)
    return desk.store.decisions.decide(
        Proposal(
            word_id, "corrected", user.name, form.version, form.basis, form.text.strip(), form.note.strip(), document_id=document_id,
            uid=form.uid or None,
        )
    )  # fmt: skip


def edit(desk: Desk, user: EditorUser, key: Key, form: EditForm) -> LogEntry:
    """Log a change of which places of a line are gaps."""
    return desk.store.decisions.edit(to_edit_proposal(desk, user.name, desk.library.find(key).document_id, form))


def correct_by_form(
    request: Request, desk: Desk, user: EditorUser, key: Key, number: Number, word_id: str, form: Annotated[CorrectionForm, Form()]
) -> Response:
    """Log the correction and show the page; where it fails, with what was typed."""
    try:
        entry = correct(desk, user, key, word_id, form)
    except (Conflict, Invalid) as error:
        return _rejected_form(request, desk, key, number, word_id, error, form.text, form.note)
    return redirect_back(f"/documents/{key}/pages/{number}?at={word_id}&done={entry.uid}")


def edit_by_form(request: Request, desk: Desk, user: EditorUser, key: Key, number: Number, form: Annotated[EditForm, Form()]) -> Response:
    """Log the change and show the page with what came of it."""
    try:
        entry = edit(desk, user, key, form)
    except (Conflict, Invalid) as error:
        return _rejected_form(request, desk, key, number, form.at, error, "", form.note)
    new = entry.edit.gaps[0].id if entry.edit and entry.edit.gaps else ""
    return redirect_back(f"/documents/{key}/pages/{number}?at={new}&done={entry.uid}")


def _rejected_form(
    request: Request, desk: Desk, key: str, number: int, at: str, error: Conflict | Invalid, typed: str, note: str
) -> HTMLResponse:  # fmt: skip
    view = PageScreen(page_view(desk, key, number, at), token_hex(16), None, str(error), typed, note)
    return render(request, "page.html.j2", status=409 if isinstance(error, Conflict) else 422, view=view)


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    add_page_and_api(pages, api, "/documents/{key}/pages/{number}", "page.html.j2", page, PageScreen)
    pages.post("/documents/{key}/pages/{number}/words/{word_id}")(correct_by_form)
    pages.post("/documents/{key}/pages/{number}/edits")(edit_by_form)
    api.post("/documents/{key}/words/{word_id}", status_code=201, responses=CHANGE_RESPONSES)(correct)
    api.post("/documents/{key}/edits", status_code=201, responses=CHANGE_RESPONSES)(edit)
