"""Tell a person how a run goes: a bar with the time left on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from desunt.run.events import describe_unread_pages, failure_category

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from desunt.record.status import DocumentStatus
    from desunt.run.events import ProgressEvent, RunSummary


@contextmanager
def run_progress() -> Iterator[Callable[[ProgressEvent], None]]:
    """Give a function to call with each event; everything goes to standard error."""
    if not sys.stderr.isatty():
        yield _log_lines()
        return
    with _progress_bar() as bar:
        yield _advance(bar)


def format_event(event: ProgressEvent) -> str:
    """Return the line that a log gets for an event; empty for those that need none."""
    page = f" page {event.number}" if event.number else ""
    match event.event:
        case "failed":
            names_itself = event.problem.startswith(event.name)
            return f"failed {event.problem}" if names_itself else f"failed {event.name}{page}: {event.problem}"
        case "page":
            return f"read {event.name}{page}"
        case "would read":
            return f"would read {event.name}{page}"
        case "document":
            return f"wrote {event.name}"
        case _:
            return ""


def _log_lines() -> Callable[[ProgressEvent], None]:
    counts = {"total": 0, "ended": 0}

    def on_progress(event: ProgressEvent) -> None:
        if event.event == "planned":
            counts["total"] = event.pages
            typer.echo(f"{event.pages} pages", err=True)
            return
        counts["ended"] += event.event != "document"
        if line := format_event(event):
            position = "" if event.event == "document" else f"[{counts['ended']}/{counts['total']}] "
            typer.echo(position + line, err=True)

    return on_progress


@contextmanager
def _progress_bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield bar


def _advance(bar: Progress) -> Callable[[ProgressEvent], None]:
    task = bar.add_task("reading", total=None)

    def on_progress(event: ProgressEvent) -> None:
        if event.event == "planned":
            bar.update(task, total=event.pages)
        elif event.event == "skipped":
            # Pages done earlier are no measure of how fast pages are read now: leave them out of the time left.
            bar.update(task, total=(bar.tasks[0].total or 1) - 1)
        elif event.event != "document":
            bar.advance(task)
        if event.event == "failed":
            bar.console.print(format_event(event), markup=False, highlight=False)

    return on_progress


@contextmanager
def evaluation_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function to call with the system that answers, how many gaps are answered and how many there are; a log gets nothing of it."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    with _progress_bar() as bar:
        tasks: dict[str, tuple[TaskID, int]] = {}

        def on_progress(system: str, done: int, total: int) -> None:
            # Answers that were on file before are no measure of how fast gaps are answered now.
            if system not in tasks:
                tasks[system] = (bar.add_task(system or "model", total=total - done), done)
            task, before = tasks[system]
            bar.update(task, completed=done - before)

        yield on_progress


def print_summary(summary: RunSummary, out: Path) -> None:
    """Print how a run ended: how many pages of each kind, each problem once, and where the results are."""
    counts = ", ".join(f"{n} {kind}" for kind, n in sorted(summary.pages.items())) or "nothing to do"
    typer.echo(f"{summary.documents} documents; pages: {counts}", err=True)
    for category, times in Counter(map(failure_category, summary.problems)).most_common():
        typer.echo(f"  {times} x {category}", err=True)
    if summary.stop_reason:
        typer.echo(f"desunt: {summary.stop_reason}", err=True)
    if summary.pages["failed"]:
        typer.echo("Failed pages are listed above and by `desunt status`; mend them and run the same command with --retry-failed", err=True)
    if set(summary.pages) - {"failed", "would read"}:
        typer.echo(f"Results: {out}  (open {out}/report.html in a browser)", err=True)


def print_status(statuses: list[DocumentStatus]) -> None:
    """Print a line a document, and the totals."""
    # One text: printing a hundred thousand lines by themselves takes longer than finding them out.
    lines = [*map(_status_line, statuses)]
    totals = ", ".join(f"{number} {state}" for state, number in Counter(status.state for status in statuses).items())
    pages = sum(status.nothing_read for status in statuses)
    unread = f"; {describe_unread_pages(pages)}" if pages else ""
    lines.append(f"{len(statuses)} documents: {totals}; {sum(status.gaps for status in statuses)} gaps open{unread}")
    typer.echo("\n".join(lines))


def _status_line(status: DocumentStatus) -> str:
    failed = f", {status.failed} failed" if status.failed else ""
    problem = f"  {status.problem}" if status.problem else ""
    unread = f", {describe_unread_pages(status.nothing_read)}" if status.nothing_read else ""
    return f"{status.state:<13} {status.folder}: {status.done}/{status.pages} pages{failed}, {status.gaps} gaps open{unread}{problem}"
