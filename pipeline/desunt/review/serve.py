"""Run the desk until it is interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from desunt.review.app import create_app
from desunt.review.environment import open_environment


def serve(
    outputs: Path, *, port: int, host: str, database: str | None, scans: Path | None, ready: Callable[[], None] = lambda: None
) -> None:  # fmt: skip
    """Open the desk over a folder with results, say when it is `ready`, and answer until it is interrupted.

    Raises UsageError where it would listen beyond this machine without accounts, or the database cannot be opened.
    """
    import uvicorn

    environment = open_environment(outputs, database, host=host, scans=scans)
    try:
        ready()
        # The log of requests would tell more about who reads what than anybody needs; errors are still printed.
        uvicorn.run(create_app(environment), host=host, port=port, log_level="warning", access_log=False, server_header=False)
    finally:
        environment.store.close()
