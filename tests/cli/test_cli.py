"""The command line: light to start, exact exit codes, messages that name file and remedy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "cv2", "pytesseract", "numpy", "PIL", "pypdfium2", "pikepdf", "pydantic_settings", "rich.progress")


def desunt(*arguments: object, cwd: Path | None = None, **kwargs) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "desunt", *map(str, arguments)], capture_output=True, text=True, cwd=cwd, check=False, **kwargs
    )


def test_help_imports_nothing_heavy() -> None:
    code = f"""
import sys
from desunt.cli import main
sys.argv = ["desunt", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for command in ("run", "fill", "export", "verify", "status", "evaluate"):
        assert command in done.stdout


def test_version_is_the_packages() -> None:
    from desunt.__version__ import __version__

    assert desunt("--version").stdout == f"desunt {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("run",), 2, "no scans named"),
        (("run", "nothing-here"), 2, "nothing-here"),
        (("run", ".", "--vouch", "2"), 2, "vouch"),
        (("run", ".", "--unclear-below", "2"), 2, "vouch"),
        (("run", ".", "--gap-below", "2"), 2, "read"),
        (("run", ".", "--transfer", "pigeon"), 2, "ship"),
        (("run", ".", "--second-engine", "none", "--format", "docx"), 2, "docx"),
        (("run", "--files-from", "nothing-here"), 2, "nothing-here"),
        (("run", ".", "--format", "docx"), 2, "docx"),
        (("run", "."), 2, "no scans"),
        (("fill",), 2, "--gaps"),
        (("fill", "nothing-here.txt"), 2, "nothing-here.txt"),
        (("fill", "--gaps", "nothing-here.jsonl"), 2, "nothing-here.jsonl"),
        (("status", "nothing-here"), 2, "nothing-here"),
        (("verify", "nothing-here"), 2, "nothing-here"),
        (("export", "nothing-here"), 2, "nothing-here"),
        (("frobnicate",), 2, "frobnicate"),
    ],
)
def test_wrong_use_says_what_is_wrong(tmp_path, arguments, code, says) -> None:
    done = desunt(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_mistyped_setting_in_the_file_is_named(tmp_path) -> None:
    (tmp_path / "desunt.toml").write_text("vuoch = 0.8\n")
    done = desunt("run", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert "vuoch" in done.stderr


def test_a_missing_engine_ends_with_three_and_the_line_to_type(tmp_path, root) -> None:
    done = desunt("run", root / "scans", "--out", tmp_path / "out", env={"PATH": str(Path(sys.executable).parent)})
    assert done.returncode == 3, done.stderr
    assert "apt-get install" in done.stderr
    assert "tesseract-ocr" in done.stderr


def test_status_prints_for_programs(tmp_path) -> None:
    from desunt.record.atomic import write_atomically
    from desunt.record.files import to_json
    from desunt.record.folder import SourceFile

    write_atomically(tmp_path / "a" / "source.json", to_json(SourceFile("desunt-source-1", "a.png", "a.png", "", 0, "a.png: empty")))
    found = json.loads(desunt("status", tmp_path, "--json").stdout)
    assert found[0]["state"] == "failed"
    assert found[0]["problem"] == "a.png: empty"
