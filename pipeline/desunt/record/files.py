"""Facts and opinions on disk: JSON with a published schema, written at once or not at all.

A document's folder holds `pages/0001.json` (facts of a page) and `pages/0001.conjectures.json` (opinions about its gaps) while the
work goes on, and `record.json` and `conjectures.json` when every page is there. The files are the truth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from desunt.errors import InputError, IntegrityError
from desunt.record.atomic import sha256_of, write_atomically
from desunt.record.conjecture import Conjecture, Decision, Opinion, Refusal
from desunt.record.document import Document, Page, Step
from desunt.record.edits import GapEdit

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

RECORD_SCHEMA = "desunt-record-1"
CONJECTURES_SCHEMA = "desunt-conjectures-1"
PAGE_SCHEMA = "desunt-page-1"
PAGE_CONJECTURES_SCHEMA = "desunt-page-conjectures-1"
DECISIONS_SCHEMA = "desunt-decisions-1"
DECISIONS_FILE = "decisions.json"
# Fields that files did not have at first.
FIELDS_ADDED_LATER = frozenset({"other_readings"})


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


FILE_TYPES: dict[str, type] = {
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
def type_adapter(kind: Any) -> TypeAdapter[Any]:
    """Return the reader, writer and schema maker of one kind of file."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def to_json(value: object) -> bytes:
    """Return the value as indented UTF-8 JSON, keys in the order of the types: the same value gives the same bytes."""
    kind: type = type(value)
    plain = _drop_empty_new_fields(type_adapter(kind).dump_python(value, mode="json"))
    return (json.dumps(plain, ensure_ascii=False, indent=1) + "\n").encode()


def _drop_empty_new_fields(value: Any) -> Any:
    """Return plain data without the fields that came later where they are empty: a file made before them stays the same bytes."""
    if isinstance(value, list):
        return [_drop_empty_new_fields(item) for item in value]
    if isinstance(value, dict):
        return {key: _drop_empty_new_fields(item) for key, item in value.items() if item or key not in FIELDS_ADDED_LATER}
    return value


def read_json(kind: type[T], source: Path) -> T:
    """Read a file of the kind.

    Raises InputError if it is missing, and IntegrityError if it is not what the schema says.
    """
    try:
        content = source.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{source}: no such file", remedy="Run `desunt run` on the scans first") from None
    value: T = parse_json(kind, content, source)
    return value


def parse_json(kind: Any, content: bytes, source: Path) -> Any:
    """Return the value that JSON from a file, or from a piece of it, holds. Raises IntegrityError if it is not what the schema says."""
    from pydantic import ValidationError

    try:
        # strict: a number is not taken for a string; JSON lists become tuples all the same.
        return type_adapter(kind).validate_json(content, strict=True)
    except (ValidationError, UnicodeDecodeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        place = "/".join(map(str, first["loc"])) or "the file"
        raise IntegrityError(
            f"{source}: {place}: {first['msg']}", remedy="It was changed by hand or cut off: run `desunt run --redo` on its scan"
        ) from None


def json_schema(schema: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one kind of file; docs/schema/ holds them all."""
    described = type_adapter(FILE_TYPES[schema]).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{schema}.json", **described}


def write_record(record: Record, folder: Path) -> None:
    """Write `record.json` and `conjectures.json`; the opinions name the hash of the facts they are about."""
    facts = to_json(RecordFile(RECORD_SCHEMA, record.steps, record.document))
    opinions = ConjecturesFile(CONJECTURES_SCHEMA, sha256_of(facts), record.steps, dict(record.opinions))
    write_atomically(folder / "conjectures.json", to_json(opinions))
    write_atomically(folder / "record.json", facts)


def read_record(folder: Path) -> Record:
    """Read a document's folder, with the decisions that its exports were last made from.

    Raises InputError if there is no record, and IntegrityError if facts and opinions do not belong together.
    """
    facts = read_json(RecordFile, folder / "record.json")
    opinions = read_json(ConjecturesFile, folder / "conjectures.json")
    if opinions.record_sha256 != sha256_of(folder / "record.json"):
        raise IntegrityError(f"{folder}: conjectures.json is about another record.json", remedy="Run `desunt run --redo` on its scan")
    return with_decisions(Record(facts.document, opinions.opinions, facts.steps), folder)


def with_decisions(record: Record, folder: Path) -> Record:
    """Return the record with what editors decided, as `decisions.json` has it; unchanged if there is none."""
    if not (folder / DECISIONS_FILE).exists():
        return record
    snapshot = read_json(DecisionsFile, folder / DECISIONS_FILE)
    return replace(record, decisions=snapshot.decisions, edits=snapshot.edits)


def read_decisions(folder: Path) -> dict[str, Decision]:
    """Return what editors decided, by gap or word, as `decisions.json` has it; nothing if there is none."""
    return read_json(DecisionsFile, folder / DECISIONS_FILE).decisions if (folder / DECISIONS_FILE).exists() else {}


def write_decisions(record: Record, folder: Path) -> None:
    """Write `decisions.json`, decisions in the order of their ids, edits in that of their making; remove it if there are none."""
    if not record.decisions and not record.edits:
        (folder / DECISIONS_FILE).unlink(missing_ok=True)
        return
    decisions = dict(sorted((record.decisions or {}).items()))
    write_atomically(folder / DECISIONS_FILE, to_json(DecisionsFile(DECISIONS_SCHEMA, decisions, record.edits)))
