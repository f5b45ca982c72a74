"""Prove what was handed over: a folder or a ZIP with a list of checksums, and the log of decisions in it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from desunt.errors import InputError, IntegrityError
from desunt.export.handover import CHECKSUMS, README, log_end_sentence
from desunt.record.atomic import sha256_of
from desunt.record.decision_log_file import DECISION_LOG_FILE, DecisionLog, verify_log
from desunt.record.files import DECISIONS_FILE
from desunt.verify.findings import Breach, Finding, Remark

CHECKSUM_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def unpack(archive: Path, folder: Path) -> list[Breach]:
    """Unpack a ZIP, file by file; return what is wrong with it. A name that leads elsewhere is not followed.

    Raises InputError if it is no ZIP.
    """
    try:
        with ZipFile(archive) as zip_file:
            return [breach for entry in zip_file.infolist() if not entry.is_dir() for breach in _unpack_entry(zip_file, entry, folder)]
    except (BadZipFile, OSError) as error:
        raise InputError(f"{archive}: cannot be read as a ZIP ({error})", remedy="Fetch the file again") from None


def _unpack_entry(zip_file: ZipFile, entry: ZipInfo, folder: Path) -> Iterator[Breach]:
    name = PurePosixPath(entry.filename)
    if name.is_absolute() or ".." in name.parts or "\\" in entry.filename:
        yield Breach(entry.filename, "", "leads out of the folder it is unpacked into; it was left out")
        return
    target = folder / name
    if target.exists():
        yield Breach(entry.filename, "", "stands twice in the ZIP: which one is meant cannot be told")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with zip_file.open(entry) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
    except (BadZipFile, OSError, RuntimeError, EOFError, NotImplementedError) as error:
        yield Breach(entry.filename, "", f"cannot be unpacked: {error}")


def verify_checksums(folder: Path) -> Iterator[Breach]:
    """Compare each file with the list of checksums, if the folder has one; what is not on the list was added."""
    checksum_list = folder / CHECKSUMS
    if not checksum_list.is_file():
        return
    listed_names = set()
    for number, line in enumerate(checksum_list.read_text("utf-8", "replace").splitlines(), start=1):
        match = CHECKSUM_LINE.fullmatch(line)
        if not match:
            yield Breach(CHECKSUMS, f"line {number}", f"is not a checksum and a name: {line[:80]!r}")
            continue
        listed_names.add(match[2])
        yield from _verify_checksum(folder, match[2], match[1])
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != CHECKSUMS and name not in listed_names:
            yield Breach(name, "", f"is not in {CHECKSUMS}: it was added after the hand-over")


def _verify_checksum(folder: Path, name: str, digest: str) -> Iterator[Breach]:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        yield Breach(CHECKSUMS, name, "leads out of the folder")
    elif not path.is_file():
        yield Breach(name, "", f"is missing; {CHECKSUMS} lists it")
    elif sha256_of(path) != digest:
        yield Breach(name, "", f"has another SHA-256 than {CHECKSUMS} says: it was changed after the hand-over")


def read_handed_log(folder: Path) -> DecisionLog | Breach | None:
    """Return the log of decisions that was handed over, once its chain is proved; None if there is none."""
    path = folder / DECISION_LOG_FILE
    if not path.is_file() or not (folder / CHECKSUMS).is_file():
        return None
    try:
        return verify_log(path)
    except IntegrityError as error:
        return Breach(DECISION_LOG_FILE, "", error.problem)
    except OSError as error:
        return Breach(DECISION_LOG_FILE, "", f"cannot be read: {error}")


def verify_handed_log(log: DecisionLog | Breach | None, folder: Path, document_folders: Iterable[Path]) -> Iterator[Finding]:
    """Yield what is wrong with the log itself: a chain shows no line that was cut off at its end, but the README says how it ends."""
    if isinstance(log, Breach):
        yield log
    elif log is not None:
        readme = folder / README
        if not readme.is_file() or log_end_sentence(log) not in readme.read_text("utf-8", "replace"):
            yield Breach(
                DECISION_LOG_FILE, f"after line {log.entry_count}", f"ends otherwise than {README} says: lines were cut off or added"
            )
    elif (folder / CHECKSUMS).is_file() and any((document_folder / DECISIONS_FILE).exists() for document_folder in document_folders):
        yield Remark(
            DECISION_LOG_FILE, "", "was not handed over: decisions are proved by their snapshots and checksums, not by the desk's chain"
        )
