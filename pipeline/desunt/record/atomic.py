"""Files written whole or not at all, and their SHA-256."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path


def sha256_of(content: bytes | Path) -> str:
    """Return the SHA-256 of bytes, or of a file read in pieces, as hexadecimal digits."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write the file so that a reader, or a crash at any moment, finds the old content or the new and nothing between."""
    publish_part(write_part(path, (content,)), path)


def publish_part(part: Path, path: Path) -> None:
    """Give a finished file its name; if that fails, nothing is left of it."""
    try:
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_part(path: Path, chunks: Iterable[bytes]) -> Path:
    """Write what is to become the file into a hidden one beside it, chunk by chunk, and return that; `os.replace` makes it the file.

    The permissions are those of any new file: `mkstemp` alone would hide results from other users of a shared folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(chunks)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o666 & ~_umask())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


@cache
def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
