"""Signing in and out, and what an editor prefers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field

from desunt.errors import DesuntError
from desunt.review.auth import BLIND, NAME, SESSION, Desk, Person, Reader, clean_name, remember
from desunt.review.rendering import CHANGE, COMMON, Problem, back_to, render
from desunt.review.store.types import Invalid, Throttled

Path = Annotated[str, Form(max_length=2000)]


class SignInAsked(BaseModel):
    """A name, and a password where there are accounts."""

    name: str = Field(max_length=200)
    password: str = Field("", max_length=1000)


def sign_in_page(request: Request, to: str = "/") -> HTMLResponse:
    """Ask who is there."""
    return render(request, "sign_in.html.j2", to=to, name="", problem="")


def sign_in(
    request: Request, desk: Desk, name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "", to: Path = "/",
) -> Response:  # fmt: skip
    """Let somebody in, or say why not."""
    answer = back_to(to)
    try:
        _admit(request, desk, answer, name, password)
    except DesuntError as error:
        status = 429 if isinstance(error, Throttled) else 403
        return render(request, "sign_in.html.j2", status=status, to=to, name=name, problem=str(error))
    return answer


def sign_in_by_api(request: Request, desk: Desk, asked: SignInAsked) -> JSONResponse:
    """Sign in; the session comes as a cookie."""
    answer = JSONResponse({"name": clean_name(asked.name)})
    _admit(request, desk, answer, asked.name, asked.password)
    return answer


def _admit(request: Request, desk: Desk, answer: Response, name: str, password: str) -> None:
    plain = clean_name(name)
    if not plain:
        raise Invalid("a decision needs a name to stand under", remedy="type yours")
    if desk.takes_names:
        remember(answer, request, NAME, plain)
        return
    remember(answer, request, SESSION, desk.store.accounts.sign_in(plain, password, _address(request)))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def sign_out(request: Request, desk: Desk) -> Response:
    """Forget who is there."""
    desk.store.accounts.sign_out(request.cookies.get(SESSION, ""), _address(request))
    answer = back_to("/sign-in")
    for cookie in (SESSION, NAME):
        answer.delete_cookie(cookie, path="/")
    return answer


def prefer(request: Request, person: Reader, blind: Annotated[str, Form(max_length=3)] = "", to: Path = "/") -> Response:
    """Keep whether the editor types a reading before the list appears."""
    answer = back_to(to)
    remember(answer, request, BLIND, "1" if blind == "yes" else "0")
    return answer


def me(person: Reader) -> dict[str, Any]:
    """Say who is signed in, and what they may do."""
    return asdict(person)


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    pages.get("/sign-in", response_class=HTMLResponse)(sign_in_page)
    pages.post("/sign-in")(sign_in)
    pages.post("/sign-out")(sign_out)
    pages.post("/preferences")(prefer)
    throttled: dict[int | str, dict[str, Any]] = {429: {"model": Problem, "description": "Too many failed sign-ins."}}
    api.post("/sign-in", responses={**CHANGE, **throttled})(sign_in_by_api)
    api.get("/me", response_model=Person, responses=COMMON)(me)
