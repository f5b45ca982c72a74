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

from desunt.cli.options import Json
from desunt.errors import UsageError

if TYPE_CHECKING:
    from desunt.review.store.accounts import Accounts

app = typer.Typer(no_args_is_help=True, help="Accounts of the review desk: roles reader, editor, approver.")

ResultsFolder = Annotated[Path, typer.Option("--outputs", help="Folder with results.")]
Database = Annotated[str | None, typer.Option("--database", help="URL of the desk's database [OUTPUTS/desk.sqlite].")]
Name = Annotated[str, typer.Argument(help="Name of the user.")]
Role = Annotated[str, typer.Argument(help="reader, editor or approver.")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking twice.")]


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


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


@app.command()
def add(
    name: Name, role: Role, from_stdin: PasswordStdin = False, outputs: ResultsFolder = Path("outputs"), database: Database = None
) -> None:
    """Make an account; the password is asked for."""
    password = _read_password(from_stdin)
    with _accounts(outputs, database) as accounts:
        accounts.add(name, password, role)  # type: ignore[arg-type]  # the store checks it and says what there is
    typer.echo(f"{name} is {role} now")


@app.command("list")
def show(
    as_json: Json = False,
    outputs: ResultsFolder = Path("outputs"),
    database: Database = None,
) -> None:
    """Show all accounts."""
    with _accounts(outputs, database) as accounts:
        users = accounts.users()
    if as_json:
        typer.echo(json.dumps([{"name": user.name, "role": user.role, "created": user.created} for user in users], ensure_ascii=False))
        return
    for user in users:
        typer.echo(f"{user.name}\t{user.role}\tsince {user.created}")
    if not users:
        typer.echo("no accounts: the desk listens on this machine only, and asks a name without a password")


@app.command()
def log(
    as_json: Json = False,
    limit: Annotated[int, typer.Option(help="How many lines, newest first.", min=1)] = 200,
    outputs: ResultsFolder = Path("outputs"),
    database: Database = None,
) -> None:
    """Show the log of sign-ins: who came in, from where, who was refused, and who went."""
    with _accounts(outputs, database) as accounts:
        sign_ins = accounts.log(limit)
    if as_json:
        typer.echo(json.dumps([asdict(sign_in) for sign_in in sign_ins], ensure_ascii=False))
        return
    for sign_in in sign_ins:
        typer.echo(f"{sign_in.at}\t{sign_in.result}\t{sign_in.name}\t{sign_in.address}")
    if not sign_ins:
        typer.echo("nobody has signed in with a password yet")


@app.command()
def role(name: Name, role: Role, outputs: ResultsFolder = Path("outputs"), database: Database = None) -> None:
    """Give a user another role."""
    with _accounts(outputs, database) as accounts:
        accounts.set_role(name, role)  # type: ignore[arg-type]  # the store checks it and says what there is
    typer.echo(f"{name} is {role} now")


@app.command()
def password(name: Name, from_stdin: PasswordStdin = False, outputs: ResultsFolder = Path("outputs"), database: Database = None) -> None:
    """Give a user another password; browsers that are signed in are signed out."""
    new_password = _read_password(from_stdin)
    with _accounts(outputs, database) as accounts:
        accounts.set_password(name, new_password)
    typer.echo(f"{name} has a new password")


@app.command()
def remove(name: Name, outputs: ResultsFolder = Path("outputs"), database: Database = None) -> None:
    """Remove an account; the user's decisions stay on record."""
    with _accounts(outputs, database) as accounts:
        accounts.remove(name)
    typer.echo(f"{name} is removed; decisions under that name stay on record")
