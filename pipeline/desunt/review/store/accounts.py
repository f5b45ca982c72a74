"""Accounts: who may do what, passwords by argon2, sessions, and a log of every sign-in. No account exists until somebody makes one."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from desunt.review.store.database import Database
from desunt.review.store.errors import Invalid, NotAllowed, Throttled, Unknown
from desunt.review.store.schema import SessionTable, SignInTable, UserTable
from desunt.review.store.validation import clean_name
from desunt.review.store.values import ROLES, Role, SignIn, User

if TYPE_CHECKING:
    from argon2 import PasswordHasher

Deed: TypeAlias = Literal["read", "decide", "resolve", "administer"]

NEEDS: dict[Deed, Role] = {"read": "reader", "decide": "editor", "resolve": "approver", "administer": "approver"}
SHORTEST_PASSWORD = 10
SESSION_HOURS = 12
# So many failures within so many minutes, by name or by address, and the next attempt is not even looked at.
FAILURES, ADDRESS_FAILURES, MINUTES = 5, 30, 10


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobody() -> str:
    """Return a hash that no password has: an unknown name takes as long to refuse as a known one."""
    return _hasher().hash(secrets.token_hex(16))


def role_of(connection: Connection, name: str) -> Role | None:
    """Return the role of a user; None if there is no such account."""
    role = connection.execute(select(UserTable.role).where(UserTable.name == name)).scalar()
    return role if role in ROLES else None


def permits(connection: Connection, name: str, deed: Deed) -> bool:
    """Say whether a user may do this; where there are no accounts, everybody may."""
    role = role_of(connection, name)
    if role is None:
        return connection.execute(select(UserTable.name).limit(1)).first() is None
    return ROLES.index(role) >= ROLES.index(NEEDS[deed])


def allow(connection: Connection, name: str, deed: Deed) -> None:
    """Raise NotAllowed unless the user may do this."""
    if not permits(connection, name, deed):
        raise NotAllowed(f"{name or 'nobody'} may not {deed} here", remedy=f"It takes the role {NEEDS[deed]}: `desunt users role` gives it")


class Accounts:
    """The users of the desk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def any(self) -> bool:
        """Say whether there is an account at all."""
        with self._database.reading() as connection:
            return connection.execute(select(UserTable.name).limit(1)).first() is not None

    def users(self) -> tuple[User, ...]:
        """Return all accounts by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(UserTable.name, UserTable.role, UserTable.created).order_by(UserTable.name)).all()
        return tuple(User(row.name, row.role, row.created) for row in rows)

    def role(self, name: str) -> Role | None:
        """Return the role of a user; None if there is no such account."""
        with self._database.reading() as connection:
            return role_of(connection, name)

    def may(self, name: str, deed: Deed) -> bool:
        """Say whether a user may do this; where there are no accounts, everybody may."""
        with self._database.reading() as connection:
            return permits(connection, name, deed)

    def add(self, name: str, password: str, role: Role) -> None:
        """Make an account. Raises Invalid for a name that is taken, a role that is none, or a password that is too short."""
        name, secret = clean_name(name), _hashed(password)
        with self._database.writing() as connection:
            if role_of(connection, name):
                raise Invalid(f"there is a user {name!r} already", remedy="`desunt users password` gives a new password")
            row = {"name": name, "role": _checked(role), "password": secret, "created": self._database.clock()}
            connection.execute(insert(UserTable), [row])

    def set_role(self, name: str, role: Role) -> None:
        """Give a user another role. Raises Unknown."""
        self._change(name, role=_checked(role))

    def set_password(self, name: str, password: str) -> None:
        """Give a user another password; browsers that are signed in are signed out. Raises Unknown and Invalid."""
        self._change(name, password=_hashed(password))

    def remove(self, name: str) -> None:
        """Remove an account; the user's decisions stay under the name. Raises Unknown."""
        with self._database.writing() as connection:
            connection.execute(delete(SessionTable).where(SessionTable.name == name))
            if not connection.execute(delete(UserTable).where(UserTable.name == name)).rowcount:
                raise Unknown(f"no user {name!r}")

    def _change(self, name: str, **values: str) -> None:
        with self._database.writing() as connection:
            if not connection.execute(update(UserTable).where(UserTable.name == name).values(**values)).rowcount:
                raise Unknown(f"no user {name!r}", remedy="`desunt users list` shows them")
            if "password" in values:
                connection.execute(delete(SessionTable).where(SessionTable.name == name))

    def sign_in(self, name: str, password: str, address: str) -> str:
        """Return the token of a new session. Raises NotAllowed for a wrong name or password, Throttled after too many; all are logged."""
        name = name.replace("\x00", "")[:200]
        with self._database.reading() as connection:
            wait = self._wait(connection, name, address)
            secret = connection.execute(select(UserTable.password).where(UserTable.name == name)).scalar()
        # Argon2 is slow on purpose: no transaction is open meanwhile.
        right = not wait and _matches(secret or _nobody(), password) and secret is not None
        result = "throttled" if wait else "in" if right else "wrong"
        token = secrets.token_urlsafe(32)
        with self._database.writing() as connection:
            self._note(connection, name, address, result)
            if right:
                expires = _later(self._database.clock(), hours=SESSION_HOURS)
                connection.execute(insert(SessionTable), [{"token": _digest(token), "name": name, "expires": expires}])
        if wait:
            raise Throttled(wait)
        if not right:
            raise NotAllowed("the name or the password is wrong")
        return token

    def _wait(self, connection: Connection, name: str, address: str) -> int:
        """Return the seconds until the next attempt is looked at; 0 if now."""
        now = self._database.clock()
        since = _later(now, minutes=-MINUTES)
        good = select(func.max(SignInTable.id)).where(SignInTable.name == name, SignInTable.result == "in").scalar_subquery()
        wrong = select(SignInTable.at).where(SignInTable.result == "wrong", SignInTable.at > since)
        by_name = wrong.where(SignInTable.name == name, or_(good.is_(None), SignInTable.id > good)).order_by(SignInTable.id.desc())
        by_address = wrong.where(SignInTable.address == address).order_by(SignInTable.id.desc())
        waits = [
            _seconds(now, _later(found[most - 1], minutes=MINUTES))
            for asked, most in ((by_name, FAILURES), (by_address, ADDRESS_FAILURES))
            if len(found := connection.scalars(asked.limit(most)).all()) == most
        ]
        return max(waits, default=0)

    def _note(self, connection: Connection, name: str, address: str, result: str) -> None:
        row = {"at": self._database.clock(), "name": name, "address": address, "result": result}
        connection.execute(insert(SignInTable), [row])

    def session(self, token: str) -> User | None:
        """Return who is signed in with this token; None if nobody, or no longer."""
        asked = select(UserTable.name, UserTable.role, UserTable.created).join(SessionTable, SessionTable.name == UserTable.name)
        with self._database.reading() as connection:
            row = connection.execute(
                asked.where(SessionTable.token == _digest(token), SessionTable.expires > self._database.clock())
            ).first()
        return User(row.name, row.role, row.created) if row else None

    def sign_out(self, token: str, address: str = "") -> None:
        """End a session; sessions that ran out are swept away with it."""
        with self._database.writing() as connection:
            name = connection.execute(select(SessionTable.name).where(SessionTable.token == _digest(token))).scalar()
            gone = or_(SessionTable.token == _digest(token), SessionTable.expires <= self._database.clock())
            connection.execute(delete(SessionTable).where(gone))
            if name:
                self._note(connection, name, address, "out")

    def log(self, limit: int = 200) -> tuple[SignIn, ...]:
        """Return the sign-ins, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(SignInTable).order_by(SignInTable.id.desc()).limit(limit)).all()
        return tuple(SignIn(row.at, row.name, row.address, row.result) for row in rows)


def _matches(secret: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(secret, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def _hashed(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise Invalid(f"a password has {SHORTEST_PASSWORD} letters or more")
    return _hasher().hash(password)


def _checked(role: Role) -> Role:
    if role not in ROLES:
        raise Invalid(f"{role!r} is no role", remedy=f"There are {', '.join(ROLES)}")
    return role


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _time(at: str) -> datetime:
    return datetime.fromisoformat(at)


def _later(at: str, *, hours: int = 0, minutes: int = 0) -> str:
    later = _time(at).astimezone(UTC) + timedelta(hours=hours, minutes=minutes)
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(now: str, then: str) -> int:
    return max(1, round((_time(then) - _time(now)).total_seconds()))
