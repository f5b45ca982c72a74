"""The one table of model files: what ships is in it, it is what ships, and a page's key knows every file that changes results."""

from __future__ import annotations

import os
import shutil
import tomllib
from pathlib import Path

import pytest

from desunt.lm import model_files
from desunt.lm.model_files import fitted_file_hashes, model_file, model_table
from desunt.run.cache_key import result_versions
from desunt.settings import Settings

SHIPPED = [row for row in model_table() if row.in_wheel]


def test_the_wheel_holds_the_files_of_the_table_and_no_others(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {f"models/{file}": f"desunt/_models/{file}" for file in ("models.toml", *(row.file for row in SHIPPED))}


def test_every_file_of_the_folder_is_in_the_table_and_described(root: Path) -> None:
    files = {path.name for path in (root / "models").iterdir() if path.is_file() and path.suffix != ".md"}
    assert files == {"models.toml", *(row.file for row in SHIPPED)}
    assert {path.name for path in (root / "models").glob("*.md")} == {row.card for row in model_table()}


def test_text_alone_has_no_hash_in_the_table(root: Path) -> None:
    rows = tomllib.loads((root / "models" / "models.toml").read_text(encoding="utf-8"))
    assert {row["file"] for row in rows.values() if "sha256" not in row} == {row.file for row in SHIPPED if row.file.endswith(".json")}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    for row in SHIPPED:
        (folder / row.file).symlink_to(model_file(row.file))
    return folder


@pytest.mark.parametrize("file", [row.file for row in SHIPPED if row.changes_results])
def test_another_version_of_a_file_changes_the_key_of_every_page(models: Path, file: str) -> None:
    settings = Settings(models=models)
    before = dict(result_versions(settings))
    (models / file).unlink()
    (models / file).write_bytes(b"another version")
    after = dict(result_versions(settings))
    assert {name for name in after if after[name] != before[name]} == {file}


def test_all_that_a_reading_or_a_conjecture_is_fitted_with_is_in_the_key() -> None:
    names = {name for name, _ in fitted_file_hashes()}
    assert {"causal-adapter.safetensors", "masked-adapter.safetensors", "ngram.npz", "act_scales.safetensors"} < names
    assert {"legibility.json", "lexicon.tsv.xz", "confusion.json", "calibration.json"} < names


def test_a_file_is_hashed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, hashed = tmp_path / "file", []
    monkeypatch.setattr(model_files, "sha256_of", lambda file: hashed.append(file) or str(len(hashed)))
    path.write_text("one")
    assert model_files.file_hash(path) == model_files.file_hash(path) == "1"
    os.utime(path, ns=(0, 0))
    assert model_files.file_hash(path) == "2"
    path.write_text("three")
    os.utime(path, ns=(0, 0))
    assert model_files.file_hash(path) == "3"


def test_what_a_folder_lacks_is_taken_from_desunt_s_own(models: Path) -> None:
    shutil.rmtree(models)
    models.mkdir()
    assert fitted_file_hashes(models) == fitted_file_hashes()
