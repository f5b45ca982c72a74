"""The command line: parse, call the library, print, and end with an exit code. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from desunt.cli import evaluate, export, review, run, users
from desunt.errors import DesuntError, ExitCode

app = typer.Typer(
    name="desunt", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Read scanned archival pages, say which words could not be read, and offer labelled conjectures for them.",
)  # fmt: skip
for command in (run.run, run.fill, export.export, review.review, run.report, export.verify, run.status):
    app.command()(command)
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(users.app, name="users")


def print_version(wanted: bool) -> None:
    if wanted:
        from desunt.__version__ import __version__

        typer.echo(f"desunt {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


def main() -> None:
    """Run the command and end with its exit code; this is the only place that catches desunt's errors."""
    try:
        app()
    except DesuntError as error:
        typer.echo(f"desunt: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("desunt: interrupted; pages that were finished are kept, run the same command to go on", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(ExitCode.DONE)
