"""Responses: a page from a template, and its JSON twin from the same view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel

from desunt.export.wording import GENERATOR, POSSIBLE_HEADING, REASON_WORDS, format_probability, per_cent
from desunt.record.conjecture import CONJECTURE_LABEL
from desunt.review.assets import asset_url
from desunt.review.auth import CurrentUser, current_user
from desunt.review.environment import document_key
from desunt.review.queue_params import FILTER_LABELS, KIND_WORDS, ORDER_WORDS, STATUS_WORDS
from desunt.review.store.types import MAX_NAME_LETTERS


class Problem(BaseModel):
    """What went wrong, and what to do about it."""

    problem: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class PageChrome:
    """What stands round every page: who is there, where in the desk one is, and whether there are accounts."""

    user: CurrentUser | None
    path: str
    has_accounts: bool


# What any address of the API may answer beside its result; each route adds its own.
COMMON_RESPONSES: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "Nobody is signed in."},
    403: {"model": Problem, "description": "The role, the origin or the host does not permit it."},
    404: {"model": Problem, "description": "There is no such thing."},
    503: {"model": Problem, "description": "A run is writing the document anew; ask again in a moment."},
}
CHANGE_RESPONSES: dict[int | str, dict[str, Any]] = {
    **COMMON_RESPONSES,
    400: {"model": Problem, "description": "The request cannot be read."},
    409: {"model": Problem, "description": "Someone was faster, or the page was read anew since it was shown; nothing is lost."},
}


def add_page_and_api(pages: APIRouter, api: APIRouter, path: str, template: str, build: Callable[..., Any], view_type: Any) -> None:
    """Answer a path with a page, and under /api with the same view as JSON; `build` is a dependency that makes the view."""

    built = Depends(build)

    def page(request: Request, view: Any = built) -> HTMLResponse:
        return render(request, template, view=view)

    def data(view: Any = built) -> Any:
        return view

    name = build.__name__
    pages.add_api_route(path, page, response_class=HTMLResponse, name=name, include_in_schema=False)
    summary = (build.__doc__ or "").split("\n")[0]
    api.add_api_route(path, data, response_model=view_type, name=name, summary=summary, responses=COMMON_RESPONSES)


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Print a template; every page knows who is there."""
    desk = request.app.state.environment
    chrome = PageChrome(current_user(request, desk), request.url.path, not desk.accepts_names)
    return HTMLResponse(load_templates().get_template(template).render(chrome=chrome, **values), status)


def redirect_back(address: str, fallback: str = "/") -> RedirectResponse:
    """Send the browser on after a change, by GET; only ever to a page of the desk."""
    return RedirectResponse(address if is_path_of_desk(address) else fallback, 303)


def is_path_of_desk(address: str) -> bool:
    """Say whether an address is a path of this desk: `//host` and `/\\host` are other machines to a browser."""
    return address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()


@cache
def load_templates() -> jinja2.Environment:
    """Return the templates; everything they print is escaped."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("desunt.review"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    templates.globals |= {"asset": asset_url, "label": CONJECTURE_LABEL, "generator": GENERATOR, "possible": POSSIBLE_HEADING}
    templates.globals |= {"reasons": REASON_WORDS, "order_words": ORDER_WORDS, "status_words": STATUS_WORDS, "kind_words": KIND_WORDS}
    templates.globals |= {"filter_labels": FILTER_LABELS, "max_name_letters": MAX_NAME_LETTERS}
    templates.filters |= {"per_cent": per_cent, "chance": format_probability, "when": format_time, "number": format_count}
    templates.filters |= {"key": document_key}
    return templates


def format_time(at: str) -> str:
    """Print an ISO 8601 time to the minute: `2026-11-24 05:10`, UTC."""
    return at[:16].replace("T", " ")


def format_count(count: int) -> str:
    """Print a count with thousands apart."""
    return f"{count:,}"
