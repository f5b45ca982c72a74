"""Write the JSON Schemas of docs/schema/ from the types they describe: `make docs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from desunt.export.formats.json import EXPORT_SCHEMA, ExportFile
from desunt.record.files import FILE_TYPES, json_schema, type_adapter
from desunt.record.manifest import MANIFEST_SCHEMA, ManifestFile

SCHEMAS = Path(__file__).resolve().parents[1] / "docs" / "schema"
OTHERS: dict[str, type] = {EXPORT_SCHEMA: ExportFile, MANIFEST_SCHEMA: ManifestFile}


def schemas() -> dict[str, dict[str, Any]]:
    """Return every schema by its name, closed: a key that it does not name is an error."""
    described = {schema: json_schema(schema) for schema in FILE_TYPES}
    dialect = "https://json-schema.org/draft/2020-12/schema"
    described |= {name: {"$schema": dialect, "$id": f"{name}.json", **type_adapter(kind).json_schema()} for name, kind in OTHERS.items()}
    return {name: _named(_closed(schema), name) for name, schema in described.items()}


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _closed(value) for key, value in schema.items()}
    return {**inner, "additionalProperties": False} if "properties" in inner and inner.get("type") == "object" else inner


def _named(schema: dict[str, Any], name: str) -> dict[str, Any]:
    schema["properties"]["schema"] = {"const": name}
    return schema


def as_bytes(schema: dict[str, Any]) -> bytes:
    """Return a schema as it stands in its file."""
    return (json.dumps(schema, ensure_ascii=False, indent=1) + "\n").encode()


if __name__ == "__main__":
    SCHEMAS.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (SCHEMAS / f"{name}.json").write_bytes(as_bytes(schema))
