"""A document of three files with its table, to be read by Tesseract, changed and read again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desunt.run import batch
from desunt.run.inputs.catalogue import read_catalogue, read_groups
from desunt.settings import Settings
from tests.support.command_line import run_desunt
from tests.support.rendered_pages import letter_page

NAME = "RG 59/861.24"
FOLDER = "RG 59_861.24"
WORDS = ("Ambassador", "Minister", "agreement", "railroad")
VERSIONS = (("desunt", "test"),)


@dataclass(frozen=True)
class Box:
    """A folder with a table, scans in a folder below, and results."""

    home: Path

    @property
    def table(self) -> Path:
        return self.home / "boxes.csv"

    @property
    def folder(self) -> Path:
        return self.home / "out" / FOLDER

    def say(self, *names: str) -> None:
        """Write the table: these files, in this order, are the document."""
        rows = "".join(f'box/{name},"{NAME}",{"A cable" if number == 0 else ""}\n' for number, name in enumerate(names))
        self.table.write_text(f"path,document,title\n{rows}", encoding="utf-8")

    def run(self, **more: Any) -> batch.RunSummary:
        formats = more.pop("formats", ("text",))
        settings = Settings(out=self.home / "out", executor="serial", model="ngram", formats=formats)
        catalogue = read_catalogue(self.table)
        return batch.run([*catalogue], settings, VERSIONS, catalogue=catalogue, groups=read_groups(self.table), **more)

    @property
    def pages(self) -> list[dict[str, Any]]:
        return list(json.loads((self.folder / "record.json").read_bytes())["document"]["pages"])

    @property
    def texts(self) -> list[str]:
        """The pages' texts as they are exported."""
        return [page.strip() for page in (self.folder / f"{FOLDER}.txt").read_text("utf-8").split("\f")]

    def verify(self) -> None:
        done = run_desunt("verify", self.home / "out", "--scans", self.home, cwd=self.home)
        assert done.returncode == 0, done.stdout


def ids_of(page: dict[str, Any]) -> list[str]:
    """Return the ids of a page's words and gaps."""
    return [token["id"] for region in page["regions"] for line in region["lines"] for token in line["tokens"]]


def draw(folder: Path) -> None:
    """Two files of one page, one with a blot, and a TIFF of two pages; every page has a word of its own."""
    folder.mkdir()
    letter_page(f"The {WORDS[0]} informed the\nGovernment about the signed treaty.", (80, 68, 300, 150)).save(
        folder / "a.png", dpi=(300, 300)
    )
    pages = [letter_page(f"The {word} was in the capital.") for word in WORDS[1:3]]
    pages[0].save(folder / "b.tif", save_all=True, append_images=pages[1:], dpi=(300, 300))
    # Other sizes than the rest: a picture of another file would not fit.
    letter_page(f"The {WORDS[3]} was under control.").crop((0, 0, 1400, 300)).save(folder / "c.png", dpi=(300, 300))
