"""Run the command line: `python -m desunt`."""

from __future__ import annotations

from desunt.cli import main

main()
