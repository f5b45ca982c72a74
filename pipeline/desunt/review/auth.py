"""Who asks: an account's session, or, where there are no accounts, the name somebody gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Depends, Request
from fastapi.responses import Response

from desunt.review.environment import Environment
from desunt.review.store.types import Invalid, NotAllowed, Role, clean_name

SESSION_COOKIE, NAME_COOKIE, BLIND_FIRST_COOKIE = "desk_session", "desk_name", "desk_blind"
DAY_SECONDS = 24 * 3600


class NotSignedIn(Exception):
    """Nobody has said who they are."""


@dataclass(frozen=True, slots=True)
class CurrentUser:
    """Who works at the desk; without accounts there are no roles, and everybody may do everything."""

    name: str
    role: Role | None
    decides: bool
    resolves: bool
    blind_first: bool


def environment_of(request: Request) -> Environment:
    """Return what the app was created with."""
    environment: Environment = request.app.state.environment
    return environment


Desk = Annotated[Environment, Depends(environment_of)]


def current_user(request: Request, desk: Desk) -> CurrentUser | None:
    """Return who asks, None if they have not said; a given name counts only while there are no accounts."""
    accounts, blind = desk.store.accounts, request.cookies.get(BLIND_FIRST_COOKIE) == "1"
    if not desk.accepts_names:
        user = accounts.find_session(request.cookies.get(SESSION_COOKIE, ""))
        if user is None:
            return None
        return CurrentUser(user.name, user.role, accounts.may(user.name, "decide"), accounts.may(user.name, "resolve"), blind)
    try:
        return CurrentUser(clean_name(unquote(request.cookies.get(NAME_COOKIE, ""))), None, True, True, blind)
    except Invalid:
        return None


def require_user(user: Annotated[CurrentUser | None, Depends(current_user)]) -> CurrentUser:
    """Return who asks; raises NotSignedIn."""
    if user is None:
        raise NotSignedIn
    return user


SignedInUser = Annotated[CurrentUser, Depends(require_user)]


def require_editor(user: SignedInUser) -> CurrentUser:
    """Return who asks if they may decide; raises NotSignedIn or NotAllowed."""
    if not user.decides:
        raise NotAllowed(f"{user.name} has the role {user.role} and may look, not decide", remedy="ask an approver for the role editor")
    return user


def require_approver(user: SignedInUser) -> CurrentUser:
    """Return who asks if they may settle disagreements; raises NotSignedIn or NotAllowed."""
    if not user.resolves:
        raise NotAllowed(f"{user.name} has the role {user.role} and may not settle disagreements", remedy="ask an approver")
    return user


EditorUser = Annotated[CurrentUser, Depends(require_editor)]
ApproverUser = Annotated[CurrentUser, Depends(require_approver)]


def set_cookie(response: Response, request: Request, cookie: str, value: str, *, days: int = 30) -> None:
    """Set a cookie that scripts cannot read and that other sites cannot make the browser send."""
    secure = request.url.scheme == "https"
    response.set_cookie(cookie, quote(value), max_age=days * DAY_SECONDS, httponly=True, samesite="lax", secure=secure, path="/")
