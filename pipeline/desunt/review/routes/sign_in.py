"""Signing in and out, and what an editor prefers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field

from desunt.errors import DesuntError
from desunt.review.auth import BLIND_FIRST_COOKIE, NAME_COOKIE, SESSION_COOKIE, CurrentUser, Desk, SignedInUser, set_cookie
from desunt.review.rendering import CHANGE_RESPONSES, COMMON_RESPONSES, Problem, redirect_back, render
from desunt.review.store.types import Throttled, clean_name

FormPath = Annotated[str, Form(max_length=2000)]


class SignInForm(BaseModel):
    """A name, and a password where there are accounts."""

    name: str = Field(max_length=200)
    password: str = Field("", max_length=1000)


def sign_in_page(request: Request, to: str = "/") -> HTMLResponse:
    """Ask who is there."""
    return render(request, "sign_in.html.j2", to=to, name="", problem="")


def sign_in(
    request: Request, desk: Desk, name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "", to: FormPath = "/",
) -> Response:  # fmt: skip
    """Let somebody in, or say why not."""
    response = redirect_back(to)
    try:
        _set_identity_cookie(request, desk, response, name, password)
    except DesuntError as error:
        status = 429 if isinstance(error, Throttled) else 403
        return render(request, "sign_in.html.j2", status=status, to=to, name=name, problem=str(error))
    return response


def sign_in_by_api(request: Request, desk: Desk, form: SignInForm) -> JSONResponse:
    """Sign in; the session comes as a cookie."""
    response = JSONResponse({"name": clean_name(form.name)})
    _set_identity_cookie(request, desk, response, form.name, form.password)
    return response


def _set_identity_cookie(request: Request, desk: Desk, response: Response, name: str, password: str) -> None:
    name = clean_name(name)
    if desk.accepts_names:
        set_cookie(response, request, NAME_COOKIE, name)
    else:
        set_cookie(response, request, SESSION_COOKIE, desk.store.accounts.sign_in(name, password, _client_address(request)))


def _client_address(request: Request) -> str:
    return request.client.host if request.client else ""


def sign_out(request: Request, desk: Desk) -> Response:
    """Forget who is there."""
    desk.store.accounts.sign_out(request.cookies.get(SESSION_COOKIE, ""), _client_address(request))
    response = redirect_back("/sign-in")
    for cookie in (SESSION_COOKIE, NAME_COOKIE):
        response.delete_cookie(cookie, path="/")
    return response


def prefer(request: Request, user: SignedInUser, blind: Annotated[str, Form(max_length=3)] = "", to: FormPath = "/") -> Response:
    """Keep whether the editor types a reading before the list appears."""
    response = redirect_back(to)
    set_cookie(response, request, BLIND_FIRST_COOKIE, "1" if blind == "yes" else "0")
    return response


def me(user: SignedInUser) -> dict[str, Any]:
    """Say who is signed in, and what they may do."""
    return asdict(user)


def register(pages: APIRouter, api: APIRouter) -> None:
    """Add the addresses of this file."""
    pages.get("/sign-in", response_class=HTMLResponse)(sign_in_page)
    pages.post("/sign-in")(sign_in)
    pages.post("/sign-out")(sign_out)
    pages.post("/preferences")(prefer)
    throttled: dict[int | str, dict[str, Any]] = {429: {"model": Problem, "description": "Too many failed sign-ins."}}
    api.post("/sign-in", responses={**CHANGE_RESPONSES, **throttled})(sign_in_by_api)
    api.get("/me", response_model=CurrentUser, responses=COMMON_RESPONSES)(me)
