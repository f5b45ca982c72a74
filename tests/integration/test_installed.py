"""An installed wheel, outside the repository and without a network, finds its files and its model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LINE = {"id": "a", "before": "The treaty was signed by both ", "after": " in Washington yesterday.", "extent": None, "engine_reading": None}


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory) -> Path:
    """A folder with the package as the wheel installs it, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", str(root), "--no-deps", "--no-build-isolation", "-q", "-w", str(folder)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("desunt-*.whl")
    target = folder / "site"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return target


def run(installed: Path, code: str, cwd: Path, offline: str, **environment: str) -> str:
    path = os.pathsep.join([offline, str(installed)])
    given = os.environ | {"PYTHONPATH": path, "HOME": str(cwd), "XDG_CACHE_HOME": str(cwd / "cache")} | environment
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, check=False, env=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_is_the_wheels_and_has_its_model_files(installed: Path, tmp_path: Path, offline: str) -> None:
    code = """
import desunt, pathlib
from desunt.lm.model_files import model_file
print(pathlib.Path(desunt.__file__).parent)
names = ["models.toml", "lexicon.tsv.xz", "legibility.json", "confusion.json", "calibration.json"]
for name in [*names, "ngram.npz", "masked-adapter.safetensors", "causal-adapter.safetensors"]:
    print(model_file(name))
"""
    found = run(installed, code, tmp_path, offline).split()
    assert found[0] == str(installed / "desunt")
    assert all(Path(line).is_relative_to(installed) for line in found)


def test_the_model_is_made_in_the_users_cache_and_fills_a_gap(installed: Path, tmp_path: Path, offline: str) -> None:
    (tmp_path / "gaps.jsonl").write_text(json.dumps(LINE) + "\n", encoding="utf-8")
    code = "import sys; sys.argv = ['desunt', 'fill', '--gaps', 'gaps.jsonl', '--json']; from desunt.cli import main; main()"
    answer = json.loads(run(installed, code, tmp_path, offline))
    assert answer["id"] == "a"
    assert len(answer["candidates"]) >= 5
    assert list((tmp_path / "cache").rglob("model.safetensors"))
