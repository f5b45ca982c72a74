"""A run is planned before anything is read: keys change with what may change a result, and an unreadable file says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from desunt.run import plan as planning
from desunt.run.cache_key import cache_key
from desunt.run.inputs.discovery import InputSource
from desunt.settings import Settings

VERSIONS = (("desunt", "0.1.0"), ("tesseract", "5.3.0"))


def test_keys_depend_on_everything_that_may_change_a_result() -> None:
    base = cache_key("a" * 64, "a.png", 1, Settings(), VERSIONS)
    others = {
        cache_key("b" * 64, "a.png", 1, Settings(), VERSIONS),
        cache_key("a" * 64, "b.png", 1, Settings(), VERSIONS),
        cache_key("a" * 64, "a.png", 2, Settings(), VERSIONS),
        cache_key("a" * 64, "a.png", 1, Settings(vouch=0.8), VERSIONS),
        cache_key("a" * 64, "a.png", 1, Settings(), (*VERSIONS, ("own lexicon", "x"))),
    }
    assert len(others) == 5
    assert base not in others


def test_keys_do_not_depend_on_how_the_work_is_done() -> None:
    base = cache_key("a" * 64, "a.png", 1, Settings(), VERSIONS)
    assert base == cache_key("a" * 64, "a.png", 1, Settings(jobs=7, executor="serial", out=Path("x"), formats=("text",)), VERSIONS)


def test_a_file_without_permission_is_a_plan_that_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(planning, "sha256_of", denied)
    found = planning.plan_document(InputSource(tmp_path / "a.png", "a.png", "scan", "a"), Settings(), VERSIONS)
    assert found.keys == ()
    assert found.problem == f"{tmp_path / 'a.png'}: cannot be read: Permission denied. Check its permissions"


def test_each_page_of_a_source_has_a_key(tmp_path: Path) -> None:
    page = Image.new("L", (50, 50), 255)
    page.save(tmp_path / "a.tif", save_all=True, append_images=[page, page])
    found = planning.plan_document(InputSource(tmp_path / "a.tif", "a.tif", "scan", "a"), Settings(), VERSIONS)
    assert len(set(found.keys)) == 3
