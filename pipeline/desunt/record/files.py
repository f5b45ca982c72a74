"""Facts and opinions on disk: JSON with a published schema, written at once or not at all.

A document's folder holds `pages/0001.json` (facts of a page) and `pages/0001.conjectures.json` (opinions about its gaps) while the
work goes on, and `record.json` and `conjectures.json` when every page is there. The files are the truth.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desunt.errors import InputError, WallBroken
from desunt.record.conjecture import Conjecture, Decision, Opinion, Refusal
from desunt.record.document import Document, Page, Step
from desunt.record.edits import GapEdit

if TYPE_CHECKING:
    from pydantic import TypeAdapter

RECORD_SCHEMA = "desunt-record-1"
CONJECTURES_SCHEMA = "desunt-conjectures-1"
PAGE_SCHEMA = "desunt-page-1"
PAGE_CONJECTURES_SCHEMA = "desunt-page-conjectures-1"
DECISIONS_SCHEMA = "desunt-decisions-1"
DECISIONS = "decisions.json"
# Fields that files did not have at first.
NEW_FIELDS = frozenset({"other_readings"})


@dataclass(frozen=True, slots=True)
class RecordFile:
    """The content of `record.json`: facts, and the steps that found them."""

    schema: str
    steps: tuple[Step, ...]
    document: Document


@dataclass(frozen=True, slots=True)
class ConjecturesFile:
    """The content of `conjectures.json`: opinions by gap id, tied by `record_sha256` to the facts they are about."""

    schema: str
    record_sha256: str
    steps: tuple[Step, ...]
    opinions: dict[str, Conjecture | Refusal]


@dataclass(frozen=True, slots=True)
class PageFile:
    """The content of `pages/0001.json`; `key` is the hash of scan, settings and versions it was made under."""

    schema: str
    key: str
    steps: tuple[Step, ...]
    page: Page
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageConjecturesFile:
    """The content of `pages/0001.conjectures.json`."""

    schema: str
    key: str
    steps: tuple[Step, ...]
    opinions: dict[str, Conjecture | Refusal]


@dataclass(frozen=True, slots=True)
class DecisionsFile:
    """The content of `decisions.json`: the decisions and gap edits that stood when exports were last made from them.

    It is a snapshot for those exports and for who gets them; the desk's database is where decisions are made and logged.
    """

    schema: str
    decisions: dict[str, Decision]
    edits: tuple[GapEdit, ...] = ()


FILES: dict[str, type] = {
    RECORD_SCHEMA: RecordFile,
    CONJECTURES_SCHEMA: ConjecturesFile,
    PAGE_SCHEMA: PageFile,
    PAGE_CONJECTURES_SCHEMA: PageConjecturesFile,
    DECISIONS_SCHEMA: DecisionsFile,
}


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known, supposed and decided about one document; `decisions` by the id of the gap or word, standing ones only."""

    document: Document
    opinions: Mapping[str, Opinion]
    steps: tuple[Step, ...] = ()
    decisions: Mapping[str, Decision] | None = None
    edits: tuple[GapEdit, ...] = ()


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Return the reader, writer and schema maker of one kind of file."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def to_json(value: object) -> bytes:
    """Return the value as indented UTF-8 JSON, keys in the order of the types: the same value gives the same bytes."""
    kind: type = type(value)
    plain = _without_new(adapter(kind).dump_python(value, mode="json"))
    return (json.dumps(plain, ensure_ascii=False, indent=1) + "\n").encode()


def _without_new(value: Any) -> Any:
    """Return plain data without the fields that came later where they are empty: a file made before them stays the same bytes."""
    if isinstance(value, list):
        return [_without_new(one) for one in value]
    if isinstance(value, dict):
        return {key: _without_new(one) for key, one in value.items() if one or key not in NEW_FIELDS}
    return value


def from_json(kind: type, source: Path) -> Any:
    """Read a file of the kind.

    Raises InputError if it is missing, and WallBroken if it is not what the schema says.
    """
    try:
        content = source.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{source}: no such file", remedy="Run `desunt run` on the scans first") from None
    return parsed(kind, content, source)


def parsed(kind: Any, content: bytes, source: Path) -> Any:
    """Return the value that JSON from a file, or from a piece of it, holds. Raises WallBroken if it is not what the schema says."""
    from pydantic import ValidationError

    try:
        # strict: a number is not taken for a string; JSON lists become tuples all the same.
        return adapter(kind).validate_json(content, strict=True)
    except (ValidationError, UnicodeDecodeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        place = "/".join(map(str, first["loc"])) or "the file"
        raise WallBroken(
            f"{source}: {place}: {first['msg']}", remedy="It was changed by hand or cut off: run `desunt run --redo` on its scan"
        ) from None


def json_schema(schema: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one kind of file; docs/schema/ holds them all."""
    described = adapter(FILES[schema]).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{schema}.json", **described}


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


def write_record(record: Record, folder: Path) -> None:
    """Write `record.json` and `conjectures.json`; the opinions name the hash of the facts they are about."""
    facts = to_json(RecordFile(RECORD_SCHEMA, record.steps, record.document))
    opinions = ConjecturesFile(CONJECTURES_SCHEMA, sha256_of(facts), record.steps, dict(record.opinions))
    write_atomically(folder / "conjectures.json", to_json(opinions))
    write_atomically(folder / "record.json", facts)


def read_record(folder: Path) -> Record:
    """Read a document's folder, with the decisions that its exports were last made from.

    Raises InputError if there is no record, and WallBroken if facts and opinions do not belong together.
    """
    facts: RecordFile = from_json(RecordFile, folder / "record.json")
    opinions: ConjecturesFile = from_json(ConjecturesFile, folder / "conjectures.json")
    if opinions.record_sha256 != sha256_of(folder / "record.json"):
        raise WallBroken(f"{folder}: conjectures.json is about another record.json", remedy="Run `desunt run --redo` on its scan")
    return with_decisions(Record(facts.document, opinions.opinions, facts.steps), folder)


def with_decisions(record: Record, folder: Path) -> Record:
    """Return the record with what editors decided, as `decisions.json` has it; unchanged if there is none."""
    if not (folder / DECISIONS).exists():
        return record
    decided: DecisionsFile = from_json(DecisionsFile, folder / DECISIONS)
    return replace(record, decisions=decided.decisions, edits=decided.edits)


def read_decisions(folder: Path) -> dict[str, Decision]:
    """Return what editors decided, by gap or word, as `decisions.json` has it; nothing if there is none."""
    if not (folder / DECISIONS).exists():
        return {}
    decided: DecisionsFile = from_json(DecisionsFile, folder / DECISIONS)
    return decided.decisions


def write_decisions(record: Record, folder: Path) -> None:
    """Write `decisions.json`, decisions in the order of their ids, edits in that of their making; remove it if there are none."""
    if not record.decisions and not record.edits:
        (folder / DECISIONS).unlink(missing_ok=True)
        return
    decisions = dict(sorted((record.decisions or {}).items()))
    write_atomically(folder / DECISIONS, to_json(DecisionsFile(DECISIONS_SCHEMA, decisions, record.edits)))
