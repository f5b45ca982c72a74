"""Scans in a ZIP: unpacked once beside the results, under names of our own making, within limits.

The names inside an archive are anybody's: they become names of documents, never paths that are written to. Every scan of the archive is
either unpacked or told with its reason.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import ZipFile, ZipInfo

from desunt.errors import DesuntError, InputError
from desunt.record.atomic import sha256_of, write_part

# Unpacked scans stay here: exports show them, and editors look at them.
UNPACKED_FOLDER = ".unpacked"
# A scan that unpacks to more than this, or to so many times its packed size unless it is small, is a bomb: images are packed already.
MAX_FILE_BYTES, MAX_COMPRESSION_RATIO, RATIO_CHECK_MIN_BYTES = 4 << 30, 200, 64 << 20
CHUNK_BYTES = 1 << 20
ENCRYPTED_FLAG = 0x1


@dataclass(frozen=True, slots=True)
class ExtractedScan:
    """A scan of an archive: its name inside, and where it lies now, or why it was not unpacked."""

    name: str
    path: Path
    problem: str = ""


def extract_scans(archive: Path, suffixes: frozenset[str], out: Path) -> Iterator[ExtractedScan]:
    """Unpack the scans of an archive, in the order of their names, those that are unpacked already excepted.

    Raises InputError if it is no ZIP, or damaged so that its contents cannot be listed.
    """
    folder = out / UNPACKED_FOLDER / sha256_of(archive)
    try:
        with ZipFile(archive) as opened:
            for info in sorted(opened.infolist(), key=lambda entry: (entry.filename, entry.header_offset)):
                name = PurePosixPath(info.filename.replace("\\", "/"))
                if info.is_dir() or name.suffix.lower() not in suffixes or _is_hidden(name):
                    continue
                yield _extract_scan(opened, info, archive, folder / f"{_stored_name(info)}{name.suffix.lower()}")
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        if isinstance(error, DesuntError) or (isinstance(error, OSError) and error.errno):
            raise
        raise InputError(f"{archive}: the ZIP is damaged ({error})", remedy="fetch the file again") from None


def _is_hidden(name: PurePosixPath) -> bool:
    """Tell whether a file is none of the scans: hidden, or what macOS adds to an archive."""
    return any((part.startswith(".") and part not in ("..", ".")) or part == "__MACOSX" for part in name.parts)


def _stored_name(info: ZipInfo) -> str:
    return hashlib.sha256(f"{info.filename}\0{info.header_offset}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _extract_scan(opened: ZipFile, info: ZipInfo, archive: Path, path: Path) -> ExtractedScan:
    problem = rejection_reason(info)
    if not problem and not path.exists():
        problem = _extract(opened, info, path)
    return ExtractedScan(info.filename, path, f"{archive.name}/{info.filename}: {problem}" if problem else "")


def rejection_reason(info: ZipInfo) -> str:
    """Say why a file is not unpacked at all; empty if it is."""
    name = info.filename.replace("\\", "/")
    if name.startswith("/") or ".." in PurePosixPath(name).parts or (len(name) > 1 and name[1] == ":") or "\0" in name:
        return "its name leaves the archive. Pack the scans again with plain names"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "it is a link, not a scan. Pack the scan itself"
    if info.flag_bits & ENCRYPTED_FLAG:
        return "it is locked with a password. Unpack the archive yourself, and name the folder"
    if info.file_size > MAX_FILE_BYTES or (
        info.file_size > RATIO_CHECK_MIN_BYTES and info.file_size > MAX_COMPRESSION_RATIO * max(1, info.compress_size)
    ):
        return f"it would unpack to {info.file_size} bytes, which no scan does. Unpack it yourself if you trust it, and name the folder"
    return ""


def _extract(opened: ZipFile, info: ZipInfo, path: Path) -> str:
    """Unpack a file; return what is wrong with it, if anything is."""
    try:
        with opened.open(info) as packed:
            os.replace(write_part(path, iter(lambda: packed.read(CHUNK_BYTES), b"")), path)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        return f"it is damaged inside the archive ({error}). Fetch the archive again"
    return ""
