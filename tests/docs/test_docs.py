"""The documentation names every command, flag, setting, exit code and format there is."""

from __future__ import annotations

import re

import pytest
import typer

from desunt.cli import app
from desunt.errors import ExitCode
from desunt.export import EXPORTERS
from desunt.settings import Settings


def commands() -> dict[str, list[str]]:
    """Every command with its flags."""
    found: dict[str, list[str]] = {}

    def walk(command: object, name: str) -> None:
        inner = getattr(command, "commands", None)
        if inner:
            for key, one in inner.items():
                walk(one, f"{name} {key}")
            return
        options = [o for p in command.params for o in (*p.opts, *p.secondary_opts) if o.startswith("--")]
        found[name] = [o for o in options if o != "--help"]

    walk(typer.main.get_command(app), "desunt")
    return found


def test_every_command_and_flag_is_documented(root) -> None:
    text = (root / "docs" / "use.md").read_text("utf-8")
    for name, flags in commands().items():
        assert f"`{name}" in text, name
        for flag in flags:
            assert re.search(rf"`{flag}`", text), (name, flag)


def test_every_setting_and_its_default_is_documented(root) -> None:
    text = (root / "docs" / "use.md").read_text("utf-8")
    for name in Settings.model_fields:
        assert f"`{name}`" in text, name


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_documented(root, code: ExitCode) -> None:
    assert f"\n| {code.value} |" in (root / "docs" / "use.md").read_text("utf-8")


@pytest.mark.parametrize("name", EXPORTERS)
def test_every_format_is_documented(root, name: str) -> None:
    assert f"`{name}`" in (root / "docs" / "formats.md").read_text("utf-8")
