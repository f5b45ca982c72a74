"""Accounts: who may do what, passwords by argon2, sessions, and a log of every sign-in. No account exists until somebody makes one."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from desunt.review.store.database import Database
from desunt.review.store.errors import Invalid, NotAllowed, NotFound, Throttled
from desunt.review.store.schema import SessionTable, SignInTable, UserTable
from desunt.review.store.validation import clean_name
from desunt.review.store.values import ROLES, Role, SignIn, User

if TYPE_CHECKING:
    from argon2 import PasswordHasher

Permission: TypeAlias = Literal["read", "decide", "resolve", "administer"]

REQUIRED_ROLE: dict[Permission, Role] = {"read": "reader", "decide": "editor", "resolve": "approver", "administer": "approver"}
MIN_PASSWORD_LETTERS = 10
SESSION_HOURS = 12
# After so many failures within the minutes of a lockout the next attempt is not even looked at.
MAX_FAILURES_PER_NAME, MAX_FAILURES_PER_ADDRESS, LOCKOUT_MINUTES = 5, 30, 10


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _dummy_hash() -> str:
    """Return a hash that no password has: an unknown name takes as long to refuse as a known one."""
    return _hasher().hash(secrets.token_hex(16))


def role_of(connection: Connection, name: str) -> Role | None:
    """Return the role of a user; None if there is no such account."""
    role = connection.execute(select(UserTable.role).where(UserTable.name == name)).scalar()
    return role if role in ROLES else None


def has_permission(connection: Connection, name: str, permission: Permission) -> bool:
    """Say whether a user may do this; where there are no accounts, everybody may."""
    role = role_of(connection, name)
    if role is None:
        return connection.execute(select(UserTable.name).limit(1)).first() is None
    return ROLES.index(role) >= ROLES.index(REQUIRED_ROLE[permission])


def require_permission(connection: Connection, name: str, permission: Permission) -> None:
    """Raise NotAllowed unless the user may do this."""
    if not has_permission(connection, name, permission):
        raise NotAllowed(
            f"{name or 'nobody'} may not {permission} here",
            remedy=f"It takes the role {REQUIRED_ROLE[permission]}: `desunt users role` gives it",
        )


class Accounts:
    """The users of the desk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def exist(self) -> bool:
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

    def may(self, name: str, permission: Permission) -> bool:
        """Say whether a user may do this; where there are no accounts, everybody may."""
        with self._database.reading() as connection:
            return has_permission(connection, name, permission)

    def add(self, name: str, password: str, role: Role) -> None:
        """Make an account. Raises Invalid for a name that is taken, a role that is none, or a password that is too short."""
        name, password_hash = clean_name(name), _hash_password(password)
        with self._database.writing() as connection:
            if role_of(connection, name):
                raise Invalid(f"there is a user {name!r} already", remedy="`desunt users password` gives a new password")
            row = {"name": name, "role": _require_role(role), "password": password_hash, "created": self._database.clock()}
            connection.execute(insert(UserTable), [row])

    def set_role(self, name: str, role: Role) -> None:
        """Give a user another role. Raises NotFound."""
        self._update_user(name, role=_require_role(role))

    def set_password(self, name: str, password: str) -> None:
        """Give a user another password; browsers that are signed in are signed out. Raises NotFound and Invalid."""
        self._update_user(name, password=_hash_password(password))

    def remove(self, name: str) -> None:
        """Remove an account; the user's decisions stay under the name. Raises NotFound."""
        with self._database.writing() as connection:
            connection.execute(delete(SessionTable).where(SessionTable.name == name))
            if not connection.execute(delete(UserTable).where(UserTable.name == name)).rowcount:
                raise NotFound(f"no user {name!r}")

    def _update_user(self, name: str, **values: str) -> None:
        with self._database.writing() as connection:
            if not connection.execute(update(UserTable).where(UserTable.name == name).values(**values)).rowcount:
                raise NotFound(f"no user {name!r}", remedy="`desunt users list` shows them")
            if "password" in values:
                connection.execute(delete(SessionTable).where(SessionTable.name == name))

    def sign_in(self, name: str, password: str, address: str) -> str:
        """Return the token of a new session. Raises NotAllowed for a wrong name or password, Throttled after too many; all are logged."""
        name = name.replace("\x00", "")[:200]
        with self._database.reading() as connection:
            lockout_seconds = self._lockout_seconds(connection, name, address)
            password_hash = connection.execute(select(UserTable.password).where(UserTable.name == name)).scalar()
        # Argon2 is slow on purpose: no transaction is open meanwhile.
        matches = not lockout_seconds and _password_matches(password_hash or _dummy_hash(), password) and password_hash is not None
        result = "throttled" if lockout_seconds else "in" if matches else "wrong"
        token = secrets.token_urlsafe(32)
        with self._database.writing() as connection:
            self._log_attempt(connection, name, address, result)
            if matches:
                expires = _add_time(self._database.clock(), hours=SESSION_HOURS)
                connection.execute(insert(SessionTable), [{"token": _hash_token(token), "name": name, "expires": expires}])
        if lockout_seconds:
            raise Throttled(lockout_seconds)
        if not matches:
            raise NotAllowed("the name or the password is wrong")
        return token

    def _lockout_seconds(self, connection: Connection, name: str, address: str) -> int:
        """Return the seconds until the next attempt is looked at; 0 if now."""
        now = self._database.clock()
        since = _add_time(now, minutes=-LOCKOUT_MINUTES)
        last_success = select(func.max(SignInTable.id)).where(SignInTable.name == name, SignInTable.result == "in").scalar_subquery()
        failures = select(SignInTable.at).where(SignInTable.result == "wrong", SignInTable.at > since)
        failures = failures.order_by(SignInTable.id.desc())
        by_name = failures.where(SignInTable.name == name, or_(last_success.is_(None), SignInTable.id > last_success))
        by_address = failures.where(SignInTable.address == address)
        waits = [
            _seconds_until(now, _add_time(times[limit - 1], minutes=LOCKOUT_MINUTES))
            for latest_failures, limit in ((by_name, MAX_FAILURES_PER_NAME), (by_address, MAX_FAILURES_PER_ADDRESS))
            if len(times := connection.scalars(latest_failures.limit(limit)).all()) == limit
        ]
        return max(waits, default=0)

    def _log_attempt(self, connection: Connection, name: str, address: str, result: str) -> None:
        row = {"at": self._database.clock(), "name": name, "address": address, "result": result}
        connection.execute(insert(SignInTable), [row])

    def find_session(self, token: str) -> User | None:
        """Return who is signed in with this token; None if nobody, or no longer."""
        users = select(UserTable.name, UserTable.role, UserTable.created).join(SessionTable, SessionTable.name == UserTable.name)
        valid = SessionTable.token == _hash_token(token), SessionTable.expires > self._database.clock()
        with self._database.reading() as connection:
            row = connection.execute(users.where(*valid)).first()
        return User(row.name, row.role, row.created) if row else None

    def sign_out(self, token: str, address: str = "") -> None:
        """End a session; sessions that ran out are swept away with it."""
        with self._database.writing() as connection:
            name = connection.execute(select(SessionTable.name).where(SessionTable.token == _hash_token(token))).scalar()
            ended = or_(SessionTable.token == _hash_token(token), SessionTable.expires <= self._database.clock())
            connection.execute(delete(SessionTable).where(ended))
            if name:
                self._log_attempt(connection, name, address, "out")

    def log(self, limit: int = 200) -> tuple[SignIn, ...]:
        """Return the sign-ins, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(SignInTable).order_by(SignInTable.id.desc()).limit(limit)).all()
        return tuple(SignIn(row.at, row.name, row.address, row.result) for row in rows)


def _password_matches(password_hash: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def _hash_password(password: str) -> str:
    if len(password) < MIN_PASSWORD_LETTERS:
        raise Invalid(f"a password has {MIN_PASSWORD_LETTERS} letters or more")
    return _hasher().hash(password)


def _require_role(role: Role) -> Role:
    if role not in ROLES:
        raise Invalid(f"{role!r} is no role", remedy=f"There are {', '.join(ROLES)}")
    return role


def _hash_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _parse_time(at: str) -> datetime:
    return datetime.fromisoformat(at)


def _add_time(at: str, *, hours: int = 0, minutes: int = 0) -> str:
    moved = _parse_time(at).astimezone(UTC) + timedelta(hours=hours, minutes=minutes)
    return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds_until(now: str, then: str) -> int:
    return max(1, round((_parse_time(then) - _parse_time(now)).total_seconds()))
