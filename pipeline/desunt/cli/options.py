"""What several commands share: options and arguments, and what their values stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from desunt.record.edits import DecisionLookup

Outputs = Annotated[Path, typer.Argument(help="Folder with results.")]
Scans = Annotated[Path | None, typer.Option(help="Folder with the scans, if they were moved.")]
Database = Annotated[str | None, typer.Option(help="The desk's database [OUTPUTS/desk.sqlite, if it is there].")]
Formats = Annotated[str | None, typer.Option("--format", help="Exports, by commas [text,apparatus,html,json].")]
Json = Annotated[bool, typer.Option("--json", help="Print for a program.")]
Model = Annotated[str | None, typer.Option(help="`embedded`, or a Hugging Face masked language model by name or folder.")]
Rescore = Annotated[bool | None, typer.Option(help="Re-score a masked model's proposals by the two-sided causal reading.")]
LexiconFile = Annotated[Path | None, typer.Option(help="File with names and words of the collection, one a line.")]
Vouch = Annotated[float | None, typer.Option("--unclear-below", "--vouch", help="Words less legible than this are marked unclear [0.9].")]


def parse_formats(formats: str | None) -> tuple[str, ...] | None:
    """Return the names in a list by commas; raises UsageError for one that is not known."""
    if formats is None:
        return None
    from desunt.export import load_exporter

    names = tuple(name.strip() for name in formats.split(",") if name.strip())
    for name in names:
        load_exporter(name)
    return names


def desk_decisions(outputs: Path, database: str | None) -> DecisionLookup | None:
    """Return how to ask the desk what stands about a document; nothing where there is no desk."""
    if database is None and not (outputs / "desk.sqlite").exists():
        return None
    from desunt.review import decision_lookup

    return decision_lookup(outputs, database)
