"""Where model files lie: beside the source checkout, inside the installed package, or in the user's cache."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from desunt.errors import DependencyMissing

VARIABLE = "DESUNT_MODELS"


def model_folders(models: Path | None = None) -> Iterator[Path]:
    """Yield the folders that may hold model files, best first: explicit, environment, checkout, package."""
    if models is not None:
        yield models
    if VARIABLE in os.environ:
        yield Path(os.environ[VARIABLE])
    package = Path(__file__).resolve().parents[1]
    # pyproject.toml beside `models/` tells a checkout from a site-packages folder that happens to hold a folder of that name.
    if (package.parents[1] / "pyproject.toml").exists():
        yield package.parents[1] / "models"
    yield package / "_models"


def model_file(name: str, models: Path | None = None) -> Path:
    """Return the path of a small model file that ships with desunt.

    Raises DependencyMissing with the folders that were searched.
    """
    searched = list(model_folders(models))
    for folder in searched:
        if (folder / name).is_file():
            return folder / name
    raise DependencyMissing(
        f"model file {name} is in none of {', '.join(map(str, searched))}",
        remedy=f"Install desunt again, or set {VARIABLE} to the folder that holds it",
    )


def weights_folder(models: Path | None = None) -> Path:
    """Return the folder with the language model's weights; it need not hold any yet if it is the user's cache.

    Raises DependencyMissing if no folder, the cache included, exists.
    """
    cached = platformdirs.user_cache_path("desunt") / "weights"
    for folder in (*(found / "weights" for found in model_folders(models)), cached):
        if folder.is_dir():
            return folder
    raise DependencyMissing(
        f"the language model's weights are not installed: no {cached}",
        remedy=f"Run `make install`, or set {VARIABLE} to a folder with `weights/`",
    )
