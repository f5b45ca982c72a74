"""`desunt review`: the desk in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from desunt.cli.options import Outputs, Scans


def review(
    outputs: Outputs = Path("outputs"),
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8571,
    host: Annotated[str, typer.Option(help="Address to listen on; beyond this machine the desk demands accounts.")] = "127.0.0.1",
    database: Annotated[str | None, typer.Option(help="URL of the database [OUTPUTS/desk.sqlite].")] = None,
    scans: Scans = None,
    backup: Annotated[Path | None, typer.Option(help="Copy the desk's database into a new file, also while it runs, and end.")] = None,
) -> None:
    """Open the review desk: editors decide, gap by gap, in a browser."""
    from desunt.review.serve import back_up, serve

    if backup is not None:
        back_up(outputs, database, backup)
        typer.echo(f"The desk's database is in {backup}")
        return

    def ready() -> None:
        typer.echo(f"The desk: http://{'localhost' if host == '127.0.0.1' else host}:{port}/  (Ctrl-C ends it)")

    # The first look at a large collection takes a while: the address is told when somebody answers there.
    serve(outputs, port=port, host=host, database=database, scans=scans, ready=ready)
