"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("OMP_THREAD_LIMIT", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with development data beside the repository; tests that need it are skipped without it."""
    folder = Path(os.environ.get("DESUNT_SHARED", ROOT.parent / "shared"))
    if not (folder / "data" / "README.md").exists():
        pytest.skip(f"no development data at {folder}: set DESUNT_SHARED to run this test")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files of tests/golden anew instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, bytes], None]:
    """Compare bytes with a file of the repository, or write it if --update-golden is given."""

    def compare(path: Path, made: bytes) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(made)
        remedy = f"look at the change, then: python -m pytest {request.node.nodeid.partition('[')[0]} --update-golden"
        assert path.exists(), f"{path} is missing; {remedy}"
        assert path.read_bytes() == made, f"{path} is not what is made now; {remedy}"

    return compare


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str | None]:
    """The URL of a temporary PostgreSQL, started when a test first asks for it; None where none is installed."""
    from tests.support.postgres import postgres

    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """The URL of a new, empty database of each kind; None is the default, a file among the outputs."""
    if request.param == "sqlite":
        return None
    from tests.support.postgres import new_database

    server = request.getfixturevalue("postgres_server")
    if server is None:
        pytest.skip("no PostgreSQL here: install the package `postgresql` to run this test on it as well")
    return new_database(server)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, one for all tests of a worker."""
    from tests.support.chromium import chromium, chromium_path

    if chromium_path() is None:
        pytest.skip("no Chromium: make system-dev")
    with chromium() as browser:
        yield browser
