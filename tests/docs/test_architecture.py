"""What is written about the tree and the words is true of the code."""

from __future__ import annotations

import re
from configparser import ConfigParser

from tests.support.paths import DOCS, ROOT

PACKAGE = ROOT / "pipeline" / "desunt"
TEXT = (DOCS / "architecture.md").read_text("utf-8")


def packages() -> set[str]:
    return {folder.name for folder in PACKAGE.iterdir() if (folder / "__init__.py").exists()}


def test_the_tree_names_every_package_and_no_other() -> None:
    table = TEXT.partition("## The tree")[2].partition("## The layers")[0]
    assert set(re.findall(r"^\| `(\w+)/` \|", table, re.M)) == packages()


def test_the_layers_are_those_that_are_checked() -> None:
    config = ConfigParser()
    config.read(ROOT / ".importlinter")
    checked = config["importlinter:contract:layers"]["layers"].replace("desunt.", "").split("\n")
    written = re.findall(r"^    (\w[\w |]*)$", TEXT.partition("## The layers")[2].partition("Further contracts")[0], re.M)
    assert written == [line.strip() for line in checked if line.strip()]


def test_every_file_that_is_named_exists() -> None:
    names = re.findall(r"`((?:\w+/)+(?:\w+\.py)?)(?::\w+)?`", TEXT)
    assert len(names) > 30
    missing = [name for name in names if not any((root / name).exists() for root in (PACKAGE, PACKAGE / "ocr", ROOT, *PACKAGE.iterdir()))]
    assert not missing


def test_every_type_that_is_named_is_a_class() -> None:
    source = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    way = TEXT.partition("## One page's way")[2].partition("## Where to add")[0]
    named = set(re.findall(r"`([A-Z]\w+[a-z])`", way))
    assert len(named) > 12
    assert {name for name in named if f"class {name}" not in source} == set()


def test_the_glossary_has_the_words_of_the_types() -> None:
    words = set(re.findall(r"^\| ([^|]+?) \|", (DOCS / "glossary.md").read_text("utf-8"), re.M))
    assert {
        "gap",
        "extent",
        "candidate",
        "conjecture",
        "refusal",
        "decision",
        "apparatus",
        "cache key",
        "gap query",
        "error model",
    } <= words
