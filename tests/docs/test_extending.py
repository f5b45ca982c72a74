"""The package that docs/extending.md shows is installed as it stands there, and desunt runs with all of it."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command_line import run_desunt
from tests.support.paths import DOCS
from tests.support.rendered_pages import letter_page

FILE = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^```sh\ndesunt run scans (.*)\n```$", re.MULTILINE)
BLOT = (592, 268, 790, 350)


@dataclass(frozen=True)
class ExampleRun:
    """What desunt wrote about a letter with a blot, by the example's four members."""

    out: Path
    packages: Path

    def json(self, name: str) -> dict:
        return json.loads((self.out / "letter" / name).read_text("utf-8"))


def install(text: str, folder: Path) -> None:
    """Write the files of the page into a folder for PYTHONPATH, with the entry points as pip writes them."""
    files = dict(FILE.findall(text))
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, "utf-8")
    project = tomllib.loads(files["pyproject.toml"])["project"]
    installed = folder / f"desunt_example-{project['version']}.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = (f"[{group}]\n" + "".join(f"{n} = {v}\n" for n, v in points.items()) for group, points in project["entry-points"].items())
    (installed / "entry_points.txt").write_text("\n".join(groups))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> ExampleRun:
    home, text = tmp_path_factory.mktemp("example"), (DOCS / "extending.md").read_text("utf-8")
    install(text, home)
    (home / "scans").mkdir()
    letter_page(blot=BLOT).save(home / "scans" / "letter.png", dpi=(300, 300))
    (flags,) = COMMAND.findall(text)
    done = run_desunt("run", "scans", "--out", "out", *flags.split(), cwd=home, PYTHONPATH=str(home))
    assert done.returncode == 0, done.stderr
    return ExampleRun(home / "out", home)


def test_the_engine_reads_and_is_named_with_every_word(example: ExampleRun) -> None:
    lines = [line for region in example.json("record.json")["document"]["pages"][0]["regions"] for line in region["lines"]]
    words = [token for line in lines for token in line["tokens"] if "text" in token]
    assert {word["engine"] for word in words} == {"column"}
    assert "Ambassador" in [word["text"] for word in words]


def test_the_model_proposes_for_the_gap(example: ExampleRun) -> None:
    (opinion,) = example.json("conjectures.json")["opinions"].values()
    assert opinion["model"]["name"] == "frequent"
    assert {"Minister", "railroad"} & {candidate["text"] for candidate in opinion["candidates"]}


def test_the_export_is_written_beside_the_others_and_verified(example: ExampleRun) -> None:
    rows = [row.split("\t") for row in (example.out / "letter" / "letter.lines.tsv").read_text("utf-8").splitlines()]
    assert [row[:2] for row in rows] == [["1", str(number)] for number in range(1, 6)]
    assert rows[1][2] == "The Ambassador informed the Minister that the"
    assert "[ILLEGIBLE]" in rows[2][2]
    checked = run_desunt("verify", "out", cwd=example.packages, PYTHONPATH=str(example.packages))
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(("flag", "names"), [("--engine", "tesseract"), ("--executor", "serial"), ("--format", "apparatus")])
def test_an_unknown_name_ends_with_two_and_lists_the_known(flag: str, names: str, example: ExampleRun, tmp_path: Path) -> None:
    done = run_desunt("run", example.packages / "scans", "--out", tmp_path, flag, "nobody", cwd=tmp_path, PYTHONPATH=str(example.packages))
    assert done.returncode == 2, done.stderr
    assert names in done.stderr
    assert {"--engine": "column", "--executor": "threads", "--format": "lines"}[flag] in done.stderr
