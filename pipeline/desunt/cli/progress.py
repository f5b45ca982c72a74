"""Tell a person how a run goes: a bar with the time left on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from desunt.run.events import pages_unread, reason_of

if TYPE_CHECKING:
    from rich.progress import TaskID

    from desunt.record.folder import DocumentStatus
    from desunt.run.events import Progress, Summary


@contextmanager
def watching() -> Iterator[Callable[[Progress], None]]:
    """Give a function to call with each event; everything goes to standard error."""
    if sys.stderr.isatty():
        with _bar() as watch:
            yield watch
    else:
        yield _lines()


def say(event: Progress) -> str:
    """Return the line that a log gets for an event; empty for those that need none."""
    page = f" page {event.number}" if event.number else ""
    match event.event:
        case "failed":
            named = event.problem.startswith(event.name)
            return f"failed {event.problem}" if named else f"failed {event.name}{page}: {event.problem}"
        case "page":
            return f"read {event.name}{page}"
        case "would read":
            return f"would read {event.name}{page}"
        case "document":
            return f"wrote {event.name}"
        case _:
            return ""


def _lines() -> Callable[[Progress], None]:
    counts = {"total": 0, "ended": 0}

    def watch(event: Progress) -> None:
        if event.event == "planned":
            counts["total"] = event.pages
            typer.echo(f"{event.pages} pages", err=True)
            return
        counts["ended"] += event.event != "document"
        if line := say(event):
            place = "" if event.event == "document" else f"[{counts['ended']}/{counts['total']}] "
            typer.echo(place + line, err=True)

    return watch


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("reading", total=None)

        def watch(event: Progress) -> None:
            if event.event == "planned":
                bar.update(task, total=event.pages)
            elif event.event == "skipped":
                # Pages done earlier are no measure of how fast pages are read now: leave them out of the time left.
                bar.update(task, total=(bar.tasks[0].total or 1) - 1)
            elif event.event != "document":
                bar.advance(task)
            if event.event == "failed":
                bar.console.print(say(event), markup=False, highlight=False)

        yield watch


@contextmanager
def counting() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function to call with who is asked, how many gaps are answered and how many there are; a log gets nothing of it."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, tuple[TaskID, int]] = {}

        def watch(by: str, done: int, total: int) -> None:
            # Answers that were on file before are no measure of how fast gaps are answered now.
            if by not in tasks:
                tasks[by] = (bar.add_task(by or "model", total=total - done), done)
            task, before = tasks[by]
            bar.update(task, completed=done - before)

        yield watch


def report_summary(summary: Summary, out: Path) -> None:
    """Print how a run ended: how many pages of each kind, each problem once, and where the results are."""
    counts = ", ".join(f"{n} {kind}" for kind, n in sorted(summary.pages.items())) or "nothing to do"
    typer.echo(f"{summary.documents} documents; pages: {counts}", err=True)
    for reason, times in Counter(map(reason_of, summary.problems)).most_common():
        typer.echo(f"  {times} x {reason}", err=True)
    if summary.stopped:
        typer.echo(f"desunt: {summary.stopped}", err=True)
    if summary.pages["failed"]:
        typer.echo("Failed pages are listed above and by `desunt status`; mend them and run the same command with --retry-failed", err=True)
    if set(summary.pages) - {"failed", "would read"}:
        typer.echo(f"Results: {out}  (open {out}/report.html in a browser)", err=True)


def report_status(found: list[DocumentStatus]) -> None:
    """Print a line a document, and the totals."""
    # One text: printing a hundred thousand lines by themselves takes longer than finding them out.
    lines = [*map(_status_line, found)]
    totals = ", ".join(f"{number} {state}" for state, number in Counter(one.state for one in found).items())
    unread = sum(one.nothing_read for one in found)
    told = f"; {pages_unread(unread)}" if unread else ""
    lines.append(f"{len(found)} documents: {totals}; {sum(one.gaps for one in found)} gaps open{told}")
    typer.echo("\n".join(lines))


def _status_line(one: DocumentStatus) -> str:
    failed = f", {one.failed} failed" if one.failed else ""
    problem = f"  {one.problem}" if one.problem else ""
    unread = f", {pages_unread(one.nothing_read)}" if one.nothing_read else ""
    return f"{one.state:<13} {one.folder}: {one.done}/{one.pages} pages{failed}, {one.gaps} gaps open{unread}{problem}"
