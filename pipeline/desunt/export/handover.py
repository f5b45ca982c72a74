"""A ZIP for hand-over: documents' folders whole, the desk's log, a README in plain words, and checksums that any system can check."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from desunt.errors import InputError
from desunt.export import exporter_names, load_exporter
from desunt.export.wording import GENERATOR
from desunt.record.decision_log_file import DECISION_LOG_FILE, DecisionLog
from desunt.record.manifest import MANIFEST, list_files

CHECKSUMS = "SHA256SUMS"
README = "README.txt"
# The earliest date a ZIP can hold: the same files give the same bytes whenever they are packed.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
PERMISSIONS = 0o644 << 16
README_TOP = f"""\
What this is
============
{GENERATOR} read scanned pages and wrote down what they say, and where they could not be read. Each folder is one document.

Texts hold what a page says and nothing else: a place that could not be read is marked, as [ILLEGIBLE] for one. What a language model
supposes stood there is called a CONJECTURE wherever it is shown, and stands in files of its own (apparatus). Files with ".accepted." in
their name also hold what an editor accepted; each such place says who, and whether it was read in the ink or accepted as a guess.

Is everything there, and unchanged?
===================================
With any system:         sha256sum -c {CHECKSUMS}
With desunt installed:   desunt verify FOLDER   (or the ZIP itself)
The second also proves that no conjecture stands in a text, that accepted readings carry their editor's name, and that the log of
decisions holds, if there is one.

Files of each folder
====================
record.json         what the pages say: words with their places, gaps, and the steps that found them
conjectures.json    what is supposed about the gaps, with probabilities
decisions.json      what editors decided, if they did
pages/              the same page by page
manifest.json       the SHA-256 of each file of the folder
"""


def pack(outputs: Path, folders: list[Path], archive: Path, log: DecisionLog | None = None) -> None:
    """Write the ZIP: at no time is more than a piece of one file in memory. The same folders and log give the same bytes.

    Raises InputError if the ZIP would lie inside a folder that is packed.
    """
    if any(archive.resolve().is_relative_to(folder.resolve()) for folder in folders):
        raise InputError(f"{archive}: lies inside a document's folder", remedy="name a file elsewhere")
    archive.parent.mkdir(parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(dir=archive.parent, prefix=f".{archive.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as stream, ZipFile(stream, "w", ZIP_DEFLATED) as zip_file:
            _pack_into(outputs, folders, zip_file, log)
        os.chmod(part, 0o644)
        os.replace(part, archive)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def _pack_into(outputs: Path, folders: list[Path], zip_file: ZipFile, log: DecisionLog | None) -> None:
    sums = []
    for name, path in (*_files_to_pack(outputs, folders), *([(DECISION_LOG_FILE, log.path)] if log else ())):
        with path.open("rb") as source, zip_file.open(_zip_entry(name), "w", force_zip64=path.stat().st_size > 1 << 30) as target:
            sums.append((name, _copy_hashing(source, target)))
    readme = (README_TOP + "".join(_format_lines()) + (_log_section(log) if log else "")).encode()
    zip_file.writestr(_zip_entry(README), readme)
    sums.append((README, hashlib.sha256(readme).hexdigest()))
    zip_file.writestr(_zip_entry(CHECKSUMS), "".join(f"{digest}  {name}\n" for name, digest in sorted(sums)))


def _files_to_pack(outputs: Path, folders: list[Path]) -> Iterator[tuple[str, Path]]:
    for folder in folders:
        folder_name = PurePosixPath(folder.relative_to(outputs).as_posix())
        files = list_files(folder) | {MANIFEST: folder / MANIFEST}
        yield from ((str(folder_name / name), path) for name, path in sorted(files.items()) if path.exists())


def _zip_entry(name: str) -> ZipInfo:
    zip_info = ZipInfo(name, ZIP_EPOCH)
    zip_info.compress_type, zip_info.external_attr, zip_info.create_system = ZIP_DEFLATED, PERMISSIONS, 3
    return zip_info


def _copy_hashing(source: IO[bytes], target: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(1 << 20):
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()


def _format_lines() -> Iterator[str]:
    for name in exporter_names():
        exporter = load_exporter(name)
        content = "the text" if exporter.kind == "reading" else "the gaps and what is supposed about them"
        yield f"NAME{exporter.suffix:<16}{content}, as {name}; modes: {', '.join(exporter.modes)}, the first if the file name gives none\n"


def _log_section(log: DecisionLog) -> str:
    return f"""
The log of decisions
====================
{DECISION_LOG_FILE}     all that editors did at the desk, a line each, oldest first, \
with the CONJECTURES that they were shown; nothing is taken out.
Each line carries the hash of the line before it: a line that was changed, removed or moved is found.
{log_end_sentence(log)}:
write that hash down elsewhere, and nobody can put another log in its place.
"""


def log_end_sentence(log: DecisionLog) -> str:
    """Return the sentence of the README about the end of the log."""
    return f"Its number of lines is {log.entry_count}, the hash of the last {log.head}"
