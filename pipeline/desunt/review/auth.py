"""Who asks: an account's session, or, where there are no accounts, the name somebody gave."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Depends, Request
from fastapi.responses import Response

from desunt.review.environment import Environment
from desunt.review.store.types import NotAllowed, Role

SESSION, NAME, BLIND = "desk_session", "desk_name", "desk_blind"
LONGEST_NAME = 60
DAYS = 24 * 3600


class NotSignedIn(Exception):
    """Nobody has said who they are."""


@dataclass(frozen=True, slots=True)
class Person:
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


def person_of(request: Request, desk: Desk) -> Person | None:
    """Return who asks, None if they have not said; a given name counts only while there are no accounts."""
    accounts, blind = desk.store.accounts, request.cookies.get(BLIND) == "1"
    if not desk.takes_names:
        user = accounts.session(request.cookies.get(SESSION, ""))
        if user is None:
            return None
        return Person(user.name, user.role, accounts.may(user.name, "decide"), accounts.may(user.name, "resolve"), blind)
    name = clean_name(unquote(request.cookies.get(NAME, "")))
    return Person(name, None, True, True, blind) if name else None


def signed_in(person: Annotated[Person | None, Depends(person_of)]) -> Person:
    """Return who asks; raises NotSignedIn."""
    if person is None:
        raise NotSignedIn
    return person


Reader = Annotated[Person, Depends(signed_in)]


def deciding(person: Reader) -> Person:
    """Return who asks if they may decide; raises NotSignedIn or NotAllowed."""
    if not person.decides:
        raise NotAllowed(f"{person.name} has the role {person.role} and may look, not decide", remedy="ask an approver for the role editor")
    return person


def resolving(person: Reader) -> Person:
    """Return who asks if they may settle disagreements; raises NotSignedIn or NotAllowed."""
    if not person.resolves:
        raise NotAllowed(f"{person.name} has the role {person.role} and may not settle disagreements", remedy="ask an approver")
    return person


Editor = Annotated[Person, Depends(deciding)]
Approver = Annotated[Person, Depends(resolving)]


def clean_name(name: str) -> str:
    """Return a name as it is kept: one line, no invisible characters, not too long; empty if nothing is left."""
    plain = "".join(sign for sign in unicodedata.normalize("NFC", name) if sign.isprintable())
    return " ".join(plain.split())[:LONGEST_NAME].strip()


def remember(answer: Response, request: Request, cookie: str, value: str, *, days: int = 30) -> None:
    """Set a cookie that scripts cannot read and that other sites cannot make the browser send."""
    secure = request.url.scheme == "https"
    answer.set_cookie(cookie, quote(value), max_age=days * DAYS, httponly=True, samesite="lax", secure=secure, path="/")
