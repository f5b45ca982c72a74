"""The manifest of a document's folder: every file with its SHA-256."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from desunt.record.atomic import sha256_of, write_atomically
from desunt.record.files import to_json

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = "desunt-manifest-1"


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """The content of `manifest.json`: files by their path in the folder, each with its SHA-256."""

    schema: str
    files: dict[str, str]


def list_files(folder: Path) -> dict[str, Path]:
    """Return all files of a folder by their path in it, sorted; without the manifest and what a crash left half-written."""
    files = {}
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in names:
            path = Path(parent) / name
            # A pipe or a device would never end.
            if path.is_file():
                files[path.relative_to(folder).as_posix()] = path
    return {name: files[name] for name in sorted(files) if name != MANIFEST and not name.endswith(".part")}


def write_manifest(folder: Path) -> None:
    """Write `manifest.json` over all files of a document's folder; the last step of a run."""
    hashes = {name: sha256_of(path) for name, path in list_files(folder).items()}
    write_atomically(folder / MANIFEST, to_json(ManifestFile(MANIFEST_SCHEMA, hashes)))
