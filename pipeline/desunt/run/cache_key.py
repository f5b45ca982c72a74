"""The key that a page is done under, and the versions that are part of it: all that a result depends on, known before any page is read."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TypeAlias

from desunt.__version__ import __version__
from desunt.lm.model_files import fitted_file_hashes
from desunt.record.atomic import sha256_of
from desunt.settings import Settings

Versions: TypeAlias = tuple[tuple[str, str], ...]


def cache_key(sha256: str, document_id: str, number: int, settings: Settings, versions: Versions) -> str:
    """Return the key a page is done under: anything that may change its result changes the key."""
    parts = [sha256, document_id, number, settings.provenance(), versions]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def result_versions(settings: Settings) -> Versions:
    """Return name and version of desunt, engine, model and fitted files.

    Raises DependencyMissing, with the line to type, if the engine or its language data is not installed: before a run, not in it.
    """
    from desunt.ocr.engines import load_engine
    from desunt.ocr.engines.line_images import load_second_engine

    second = load_second_engine(settings.second, settings.lang)
    engine = load_engine(settings.engine, settings.lang).version()
    lexicon = settings.lexicon
    return (
        ("desunt", __version__),
        (settings.engine, engine),
        *(((f"second: {second.name}", second.version()),) if second else ()),
        ("model", model_version(settings)),
        *fitted_file_hashes(settings.models),
        *((("own lexicon", sha256_of(lexicon)),) if lexicon and lexicon.is_file() else ()),
    )


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
