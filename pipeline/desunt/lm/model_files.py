"""The model files that come with desunt (`models.toml` is their one table), and where they lie.

They lie beside the source checkout, inside the installed package, or in a folder of the user's.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from desunt.errors import DependencyMissing
from desunt.record.atomic import sha256_of

MODELS_VARIABLE = "DESUNT_MODELS"
MODELS_TABLE_FILE = "models.toml"
PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One row of the table: `file` is its path in a folder of models, `card` the page that describes it.

    `changes_results` says that a page read with another version of the file is to be read again; `in_wheel` that it comes with desunt.
    """

    name: str
    file: str
    model: str
    card: str
    changes_results: bool
    in_wheel: bool


@cache
def model_table() -> tuple[ModelFile, ...]:
    """Return every model file, by desunt's own table: a user's folder may hold other files, but none of another kind."""
    table = next(folder / MODELS_TABLE_FILE for folder in _own_folders() if (folder / MODELS_TABLE_FILE).is_file())
    rows = tomllib.loads(table.read_text(encoding="utf-8"))
    columns = ("file", "model", "card", "changes_results", "in_wheel")
    return tuple(ModelFile(name, **{column: row[column] for column in columns}) for name, row in rows.items())


def fitted_file_hashes(models: Path | None = None) -> tuple[tuple[str, str], ...]:
    """Return name and SHA-256 of each file that comes with desunt and changes results; what is absent is left out."""
    names = [row.file for row in model_table() if row.changes_results and row.in_wheel]
    return tuple((name, file_hash(path)) for name in names if (path := find_model_file(name, models)))


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, worked out once a process as long as size and time of the file stay."""
    status = path.stat()
    return _hash(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _hash(path: Path, size: int, mtime_ns: int) -> str:
    return sha256_of(path)


def model_folders(models: Path | None = None) -> Iterator[Path]:
    """Yield the folders that may hold model files, best first: explicit, environment, checkout, package."""
    if models is not None:
        yield models
    if MODELS_VARIABLE in os.environ:
        yield Path(os.environ[MODELS_VARIABLE])
    yield from _own_folders()


def _own_folders() -> Iterator[Path]:
    # pyproject.toml beside `models/` tells a checkout from a site-packages folder that happens to hold a folder of that name.
    if (PACKAGE.parents[1] / "pyproject.toml").exists():
        yield PACKAGE.parents[1] / "models"
    yield PACKAGE / "_models"


def find_model_file(name: str, models: Path | None = None) -> Path | None:
    """Return the path of a model file, None if no folder holds it."""
    return next((folder / name for folder in model_folders(models) if (folder / name).is_file()), None)


def model_file(name: str, models: Path | None = None) -> Path:
    """Return the path of a model file that comes with desunt; raises DependencyMissing with the folders that were searched."""
    if path := find_model_file(name, models):
        return path
    raise DependencyMissing(
        f"model file {name} is in none of {', '.join(map(str, model_folders(models)))}",
        remedy=f"Install desunt again, or set {MODELS_VARIABLE} to the folder that holds it",
    )
