"""What `docs/formats.md` shows of each format is what desunt writes: every excerpt is looked for in real files of its letter."""

from __future__ import annotations

import io
import re
from functools import cache

import pikepdf
import pytest

from desunt.export import EXPORTERS, export_files, load_exporter
from tests.support.documented_record import documented_record
from tests.support.paths import DOCS, GOLDEN

# The heading under which each format is told, and the least number of excerpts it must have.
HEADINGS = {
    "text": ("Text", 1),
    "apparatus": ("Apparatus", 1),
    "html": ("HTML", 1),
    "json": ("JSON", 1),
    "tei": ("TEI", 3),
    "page": ("PAGE XML", 3),
    "alto": ("ALTO", 3),
    "hocr": ("hOCR", 3),
    "markdown": ("Markdown", 1),
    "csv": ("Table of gaps", 1),
    "pdf": ("PDF", 1),
    "iiif": ("IIIF manifest", 1),
}


def section(heading: str) -> str:
    text = (DOCS / "formats.md").read_text("utf-8")
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, heading
    return found[1]


def excerpts(heading: str) -> list[str]:
    """Return the indented blocks of a section."""
    return [block for block in re.split(r"\n(?=\S)", section(heading)) for block in re.findall(r"(?:^    .*\n?|^\n(?=    ))+", block, re.M)]


def squeezed(text: str) -> str:
    return "".join(text.split())


@cache
def written(name: str) -> tuple[str, ...]:
    """Return the files of a format in every mode, before and after the editors' work; of a PDF what its comments say."""
    exporter, files = load_exporter(name), []
    for decided in (False, True):
        for mode in exporter.modes:
            for _, part in export_files("letter", exporter, mode, documented_record(decided=decided)):
                content = b"".join(exporter.export(part, lambda _: None, mode))
                files.append(comments(content) if name == "pdf" else content.decode())
    return tuple(map(squeezed, files))


def comments(content: bytes) -> str:
    """Return the comments of a PDF, each after its author."""
    with pikepdf.open(io.BytesIO(content)) as document:
        found = [one for page in document.pages for one in page.get("/Annots", ()) if "/Contents" in one]
        return "\n".join(f"{one.T}\n{one.Contents}" for one in found)


def holds(file: str, excerpt: str) -> bool:
    """Say whether the parts of an excerpt, which `...` parts, stand in the file one after the other."""
    at = 0
    for part in map(squeezed, excerpt.split("...")):
        at = file.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


@pytest.mark.parametrize("name", EXPORTERS)
def test_every_excerpt_is_real(name):
    heading, least = HEADINGS[name]
    found = excerpts(heading)
    assert len(found) >= least
    assert [excerpt for excerpt in found if not any(holds(file, excerpt) for file in written(name))] == []


def test_an_excerpt_that_is_not_real_is_found():
    assert not any(holds(file, "The [ILLEGIBLE] disagreed") for file in written("text"))


@pytest.mark.parametrize("name", EXPORTERS)
def test_every_format_says_where_gaps_conjectures_and_decisions_stand(name):
    told = section("Modes") + section(HEADINGS[name][0])
    assert f"`{name}`" in section("Modes")
    assert all(word in told.casefold() for word in ("gap", "conjecture", "decision"))


def test_links_into_the_page_find_their_heading():
    """Every `formats.md#anchor` of the other documents is a heading here."""
    docs = DOCS
    headings = re.findall(r"^##+ (.*)$", (docs / "formats.md").read_text("utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    wanted = {anchor for page in docs.glob("*.md") for anchor in re.findall(r"formats\.md#([\w-]+)", page.read_text("utf-8"))}
    assert wanted
    assert wanted <= anchors


def test_the_line_of_the_log_is_real():
    (excerpt,) = excerpts("Hand-over")
    assert holds(squeezed((GOLDEN / "decisions-1.jsonl").read_text("utf-8").splitlines()[0]), excerpt)
