"""Answers: a page from a template, and its JSON twin from the same view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined
from pydantic import BaseModel

from desunt.export.wording import GENERATOR, POSSIBLE, REASONS, chance_in_words, per_cent
from desunt.record.conjecture import LABEL
from desunt.review.assets import asset
from desunt.review.auth import Desk, Person, person_of
from desunt.review.environment import document_key
from desunt.review.queue_filter import KIND_WORDS, ORDER_WORDS, STATUS_WORDS


class Problem(BaseModel):
    """What went wrong, and what to do about it."""

    problem: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands round every page: who is there, and where in the desk one is."""

    person: Person | None
    place: str
    accounts: bool


# What any address of the API may answer beside its result; each route adds its own.
COMMON: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "Nobody is signed in."},
    403: {"model": Problem, "description": "The role, the origin or the host does not permit it."},
    404: {"model": Problem, "description": "There is no such thing."},
    503: {"model": Problem, "description": "A run is writing the document anew; ask again in a moment."},
}
CHANGE: dict[int | str, dict[str, Any]] = {
    **COMMON,
    400: {"model": Problem, "description": "The request cannot be read."},
    409: {"model": Problem, "description": "Someone was faster, or the page was read anew since it was shown; nothing is lost."},
}


def twin(pages: APIRouter, api: APIRouter, path: str, template: str, build: Callable[..., Any], view: Any) -> None:
    """Answer a path with a page, and under /api with the same view as JSON; `build` is a dependency that makes the view."""

    made_by = Depends(build)

    def page(request: Request, made: Any = made_by) -> HTMLResponse:
        return render(request, template, view=made)

    def plain(made: Any = made_by) -> Any:
        return made

    name = build.__name__
    pages.add_api_route(path, page, response_class=HTMLResponse, name=name, include_in_schema=False)
    api.add_api_route(path, plain, response_model=view, name=name, summary=(build.__doc__ or "").split("\n")[0], responses=COMMON)


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Print a template; every page knows who is there."""
    desk = request.app.state.environment
    person = person_of(request, desk)
    frame = Frame(person, request.url.path, not desk.takes_names)
    return HTMLResponse(templates().get_template(template).render(frame=frame, **values), status)


def back_to(address: str, fallback: str = "/") -> RedirectResponse:
    """Send the browser on after a change, by GET; only ever to a page of the desk."""
    return RedirectResponse(address if is_own(address) else fallback, 303)


def is_own(address: str) -> bool:
    """Say whether an address is a path of this desk: `//host` and `/\\host` are other machines to a browser."""
    return address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()


@cache
def templates() -> Templates:
    """Return the templates; everything they print is escaped."""
    loader = PackageLoader("desunt.review")
    made = Templates(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.globals |= {"asset": asset, "label": LABEL, "generator": GENERATOR, "reasons": REASONS, "possible": POSSIBLE}
    made.globals |= {"order_words": ORDER_WORDS, "status_words": STATUS_WORDS, "kind_words": KIND_WORDS}
    made.filters |= {"per_cent": per_cent, "chance": chance_in_words, "key": document_key, "when": when, "number": number}
    return made


def when(at: str) -> str:
    """Print an ISO 8601 time to the minute: `2026-11-24 05:10`, UTC."""
    return at[:16].replace("T", " ")


def number(count: int) -> str:
    """Print a count with thousands apart."""
    return f"{count:,}"


__all__ = ["CHANGE", "COMMON", "Desk", "Problem", "back_to", "render", "twin"]
