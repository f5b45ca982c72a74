"""The versions that a result depends on, known before any page is read: part of every page's key."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TypeAlias

from desunt.__version__ import __version__
from desunt.errors import DependencyMissing
from desunt.lm.model_files import model_file
from desunt.record.files import sha256_of
from desunt.settings import Settings

Versions: TypeAlias = tuple[tuple[str, str], ...]

# Small fitted files; a change in any of them may change a result.
FITTED = ("legibility.json", "lexicon.tsv.xz", "confusion.json", "calibration.json", "masked-adapter.safetensors")


def versions(settings: Settings) -> Versions:
    """Return name and version of desunt, engine, model and fitted files.

    Raises DependencyMissing, with the line to type, if the engine or its language data is not installed: before a run, not in it.
    """
    from desunt.ocr.engines import load_engine
    from desunt.ocr.engines.line_images import load_second

    second = load_second(settings.second, settings.lang)
    engine = load_engine(settings.engine, settings.lang).version()
    own = settings.lexicon
    return (
        ("desunt", __version__),
        (settings.engine, engine),
        *(((f"second: {second.name}", second.version()),) if second else ()),
        ("model", model_version(settings)),
        *(fitted_files(settings.models)),
        *((("own lexicon", sha256_of(own)),) if own and own.is_file() else ()),
    )


def fitted_files(models: Path | None) -> Versions:
    """Return the hash of each fitted file that is there."""
    found = []
    for name in FITTED:
        try:
            found.append((name, sha256_of(model_file(name, models))))
        except DependencyMissing:
            continue
    return tuple(found)


def model_version(settings: Settings) -> str:
    """Return what identifies the language model's weights without loading them: a pinned hash, or the hash of a folder's files."""
    if settings.model == "embedded":
        from desunt.lm.weights import pinned_model

        return pinned_model("smollm2", settings.models)["sha256"]
    folder = Path(settings.model)
    return _folder_hash(folder) if folder.is_dir() else settings.model


@cache
def _folder_hash(folder: Path) -> str:
    return "-".join(sha256_of(path)[:16] for path in sorted(folder.glob("*")) if path.suffix in {".json", ".safetensors", ".bin", ".txt"})
