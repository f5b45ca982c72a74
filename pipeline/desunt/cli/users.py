"""`desunt users`: who may use the desk, and as what."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from desunt.errors import UsageError

if TYPE_CHECKING:
    from desunt.review.store.accounts import Accounts

users = typer.Typer(no_args_is_help=True, help="Accounts of the review desk: roles reader, editor, approver.")

Outputs = Annotated[Path, typer.Option("--outputs", help="Folder with results.")]
Address = Annotated[str | None, typer.Option("--database", help="URL of the desk's database [OUTPUTS/desk.sqlite].")]
Name = Annotated[str, typer.Argument(help="Name of the user.")]
Part = Annotated[str, typer.Argument(help="reader, editor or approver.")]
FromInput = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking twice.")]


@contextmanager
def _accounts(outputs: Path, database: str | None) -> Iterator[Accounts]:
    from desunt.review.store import open_store

    if database is None and not outputs.is_dir():
        raise UsageError(f"{outputs}: no such folder", remedy="Name the folder with the results by --outputs")
    store = open_store(outputs, database)
    try:
        yield store.accounts
    finally:
        store.close()


def _password(from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked


@users.command()
def add(name: Name, role: Part, from_input: FromInput = False, outputs: Outputs = Path("outputs"), database: Address = None) -> None:
    """Make an account; the password is asked for."""
    password = _password(from_input)
    with _accounts(outputs, database) as accounts:
        accounts.add(name, password, role)  # type: ignore[arg-type]  # the store checks it and says what there is
    typer.echo(f"{name} is {role} now")


@users.command("list")
def show(
    as_json: Annotated[bool, typer.Option("--json", help="Print for a program.")] = False,
    outputs: Outputs = Path("outputs"),
    database: Address = None,
) -> None:
    """Show all accounts."""
    with _accounts(outputs, database) as accounts:
        found = accounts.users()
    if as_json:
        typer.echo(json.dumps([{"name": user.name, "role": user.role, "created": user.created} for user in found], ensure_ascii=False))
        return
    for user in found:
        typer.echo(f"{user.name}\t{user.role}\tsince {user.created}")
    if not found:
        typer.echo("no accounts: the desk listens on this machine only, and asks a name without a password")


@users.command()
def log(
    as_json: Annotated[bool, typer.Option("--json", help="Print for a program.")] = False,
    limit: Annotated[int, typer.Option(help="How many lines, newest first.", min=1)] = 200,
    outputs: Outputs = Path("outputs"),
    database: Address = None,
) -> None:
    """Show the log of sign-ins: who came in, from where, who was refused, and who went."""
    with _accounts(outputs, database) as accounts:
        found = accounts.log(limit)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        typer.echo(f"{one.at}\t{one.result}\t{one.name}\t{one.address}")
    if not found:
        typer.echo("nobody has signed in with a password yet")


@users.command()
def role(name: Name, role: Part, outputs: Outputs = Path("outputs"), database: Address = None) -> None:
    """Give a user another role."""
    with _accounts(outputs, database) as accounts:
        accounts.set_role(name, role)  # type: ignore[arg-type]  # the store checks it and says what there is
    typer.echo(f"{name} is {role} now")


@users.command()
def password(name: Name, from_input: FromInput = False, outputs: Outputs = Path("outputs"), database: Address = None) -> None:
    """Give a user another password; browsers that are signed in are signed out."""
    word = _password(from_input)
    with _accounts(outputs, database) as accounts:
        accounts.set_password(name, word)
    typer.echo(f"{name} has a new password")


@users.command()
def remove(name: Name, outputs: Outputs = Path("outputs"), database: Address = None) -> None:
    """Remove an account; the user's decisions stay on record."""
    with _accounts(outputs, database) as accounts:
        accounts.remove(name)
    typer.echo(f"{name} is removed; decisions under that name stay on record")
