"""A run over many documents: plan, skip what is done, work, write, and say how each page ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from desunt.errors import DesuntError, InputError, MachineFailed, UsageError
from desunt.export.outputs import finish, forget_results, is_exported
from desunt.record import folder as journal
from desunt.record.files import Record, from_json, sha256_of
from desunt.run.events import Progress, Summary, Watch
from desunt.run.executors import Executor, Means, load_executor
from desunt.run.inputs.catalogue import Pairs, joined
from desunt.run.inputs.discovery import Shard, find_sources, give_folders
from desunt.run.inputs.grouping import Group, grouped
from desunt.run.plan import Plan, page_files, plan, read_pages, refuse_to_replace
from desunt.run.retries import STREAK, Failures, failed, machine_failure
from desunt.run.workflow import AlignTask, join_pages, read_facts, work_alignment, work_page, work_transcript
from desunt.settings import Settings

# A page may need several engine calls and a hundred gaps' worth of model calls; beyond this many seconds, or engine limits, it hangs.
LEAST_SECONDS, ENGINE_LIMITS = 1800.0, 20


def run(
    inputs: list[Path], settings: Settings, versions: tuple[tuple[str, str], ...], *,
    catalogue: Mapping[Path, Pairs] | None = None, groups: Sequence[Group] = (), transcript: Path | None = None,
    shard: Shard | None = None, redo: bool = False, retry_failed: bool = False, dry_run: bool = False, watch: Watch = lambda _: None,
) -> Summary:  # fmt: skip
    """Work through the inputs and write every result under `settings.out`.

    `versions` are the versions of engine and model, part of each page's key. Raises UsageError for an input that does not exist.
    """
    from desunt.scan import SUFFIXES

    sources = find_sources(inputs, SUFFIXES, settings.out)
    if not sources:
        raise InputError(f"no scans in {', '.join(map(str, inputs))}", remedy=f"Known kinds: {' '.join(sorted(SUFFIXES))}")
    sources = grouped(sources, catalogue or {}, groups)
    if transcript and [source.kind for source in sources] != ["scan"]:
        raise UsageError(
            "--transcript goes with exactly one scan", remedy="Name the one file it transcribes (TIFF or PDF for several pages)"
        )
    sources = give_folders(sources, journal.owners(settings.out))
    if shard:
        sources = [source for source in sources if shard.has(source)]
    if transcript:
        versions = (*versions, ("transcript", sha256_of(transcript)))
    plans = [plan(source, settings, versions) for source in sources]
    for one in plans:
        refuse_to_replace(one, settings.out)
    watch(Progress("planned", "", pages=sum(max(1, len(p.pages)) for p in plans)))
    job = Job(settings, Summary(documents=len(plans)), transcript, redo, retry_failed, watch)
    if dry_run:
        for one in plans:
            job.dry_run(one)
        return job.summary
    with load_executor(settings.executor, means_of(settings)) as executor:
        job.work(plans, executor)
    return job.summary


def means_of(settings: Settings) -> Means:
    """Return what the executor works with. Raises UsageError if workers would need a file that they do not get."""
    if settings.ship == "bytes" and settings.lexicon is not None:
        raise UsageError("--lexicon does not go with --ship bytes", remedy="Let the workers see the file, and leave --ship out")
    seconds = max(LEAST_SECONDS, ENGINE_LIMITS * settings.page_seconds)
    return Means(settings.jobs, seconds, settings.page_memory, settings.scheduler, settings.ship)


@dataclass(slots=True)
class Job:
    """The state of one run in the parent process, which alone writes."""

    settings: Settings
    summary: Summary
    transcript: Path | None
    redo: bool
    retry_failed: bool
    watch: Watch
    waiting: dict[Future[Any], Callable[[Future[Any]], None]] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    failures: Failures = field(default_factory=Failures)

    def folder(self, one: Plan) -> Path:
        return self.settings.out / one.source.folder

    def work(self, plans: Iterable[Plan], executor: Executor) -> None:
        """Submit tasks, a few more than there are workers, and write each result as it comes."""
        window = 2 * executor.workers + 2
        try:
            for submit in self.tasks(plans, executor):
                if self.summary.stopped:
                    break
                submit()
                while len(self.waiting) >= window:
                    self.take()
        except OSError as error:
            self.stop(error)
        while self.waiting:
            self.take()

    def take(self) -> None:
        """Wait for a task and handle what it gave."""
        finished, _ = wait(self.waiting, return_when=FIRST_COMPLETED)
        for future in finished:
            try:
                self.waiting.pop(future)(future)
            except (OSError, DesuntError) as error:
                self.stop(error)

    def stop(self, error: BaseException) -> None:
        """Stop the run because of the machine: the pages in work stay as they were. Raises what is not the machine's."""
        told = machine_failure(error)
        if told is None:
            raise error
        self.summary.stopped, self.summary.broken = f"stopped: {told}", True

    def tasks(self, plans: Iterable[Plan], executor: Executor) -> Iterator[Callable[[], None]]:
        for one in plans:
            self.describe(one)
            if one.problem:
                self.fail_document(one)
            elif one.source.kind == "transcript":
                yield partial(self.submit_transcript, one, executor)
            else:
                yield from self.page_tasks(one, executor)

    def page_tasks(self, one: Plan, executor: Executor) -> Iterator[Callable[[], None]]:
        """Yield a task for each page that is not done; the document is finished when the last of them has ended."""
        todo = [n for n in range(1, len(one.pages) + 1) if self.is_open(one, n)]
        self.missing[one.source.folder] = len(todo)
        if not todo:
            yield partial(self.finish, one, executor)
        for number in todo:
            yield partial(self.submit_page, one, number, executor)

    def is_open(self, one: Plan, number: int) -> bool:
        """Say whether the page must be worked on; counts it as skipped if not."""
        folder, key = self.folder(one), one.pages[number - 1].key
        failed = journal.page_path(folder, number, ".failed")
        if not self.redo and journal.is_done(folder, number, key):
            self.note("skipped", one, number)
            return False
        if not self.redo and not self.retry_failed and journal.read_key(failed) == key:
            failure: journal.FailedFile = from_json(journal.FailedFile, failed)
            self.note("failed", one, number, failure.problem)
            return False
        return True

    def submit_page(self, one: Plan, number: int, executor: Executor) -> None:
        work, task = read_facts if self.transcript else work_page, one.task(number, self.settings)
        problem = one.pages[number - 1].problem
        future = failed(problem) if problem else executor.submit(work, task)
        self.waiting[future] = lambda done: self.write_page(one, number, done, executor)

    def write_page(self, one: Plan, number: int, done: Future[Any], executor: Executor) -> None:
        folder = self.folder(one)
        if one.source.folder not in self.changed:
            forget_results(folder)
            self.changed.add(one.source.folder)
        if error := done.exception():
            if machine_failure(error):
                raise error
            if self.failures.again(folder, number, error):
                self.submit_page(one, number, executor)
                return
            journal.write_failure(folder, number, one.pages[number - 1].key, error)
            self.note("failed", one, number, str(error))
            if reason := self.failures.failed(folder, number, error):
                self.summary.pages["failed"] -= STREAK
                raise MachineFailed(reason, remedy="Mend that and run the same command again")
        else:
            result = done.result()
            journal.write_page(folder, number, result.facts, result.opinions)
            self.failures.passed()
            self.note("page", one, number)
        self.missing[one.source.folder] -= 1
        if not self.missing[one.source.folder]:
            self.finish(one, executor)

    def finish(self, one: Plan, executor: Executor) -> None:
        """Join the pages of a document whose every page has ended, align them with a transcript if there is one, and export."""
        folder = self.folder(one)
        # A document of several files may have lost its last ones, and all that is left is done.
        fewer = journal.has_pages(folder, beyond=len(one.pages))
        if one.source.folder not in self.changed and not fewer and is_exported(folder, self.settings.formats):
            return
        if fewer:
            # First what tells of those pages: a run that is killed in between must not leave it as finished.
            forget_results(folder)
        journal.forget_pages(folder, beyond=len(one.pages))
        files, opinions = read_pages(folder, one)
        if self.transcript:
            from desunt.transcript import read_transcript

            text = read_transcript(self.transcript, document_id=one.source.id)
            task = AlignTask(text, files, one.source.id, str(one.source.path), self.settings)
            self.ask(one, executor, executor.submit(work_alignment, task))
        else:
            self.export(one, executor, join_pages(one.source.id, str(one.source.path), files, opinions))

    def submit_transcript(self, one: Plan, executor: Executor) -> None:
        """Read a transcript without a scan and ask for its gaps."""
        from desunt.transcript import read_transcript

        if not self.redo and journal.is_done(self.folder(one), 1, one.keys[0]) and is_exported(self.folder(one), self.settings.formats):
            self.note("skipped", one, 1)
            return
        try:
            document = read_transcript(one.source.path, document_id=one.source.id)
        except DesuntError as error:
            self.fail_document(replace(one, problem=str(error)))
            return
        self.ask(one, executor, executor.submit(work_transcript, document, self.settings))

    def ask(self, one: Plan, executor: Executor, future: Future[Any]) -> None:
        def written(done: Future[Any]) -> None:
            if error := done.exception():
                if machine_failure(error):
                    raise error
                self.fail_document(replace(one, problem=str(error)))
                return
            if one.source.kind == "transcript":
                journal.write_page(self.folder(one), 1, *page_files(done.result(), one.keys[0]))
                self.note("page", one, 1)
            self.export(one, executor, done.result())

        self.waiting[future] = written

    def export(self, one: Plan, executor: Executor, record: Record) -> None:
        """Write the record and its exports; they are made in a worker and written here."""
        metadata = joined(one.source.metadata, record.document.metadata)
        record = replace(record, document=replace(record.document, metadata=metadata))
        self.waiting |= finish(record, self.folder(one), one.source.path, self.settings, executor, self.exported(one))

    def exported(self, one: Plan) -> Callable[[BaseException | None], None]:
        def said(error: BaseException | None) -> None:
            if error and machine_failure(error):
                raise error
            if error:
                self.fail_document(replace(one, problem=f"the exports could not be made: {error}"))
            else:
                self.watch(Progress("document", one.source.folder))

        return said

    def describe(self, one: Plan) -> None:
        journal.write_source(self.folder(one), one.source_file)

    def fail_document(self, one: Plan) -> None:
        self.describe(one)
        self.summary.unreadable += 1
        self.note("failed", one, 0, one.problem)

    def note(self, event: str, one: Plan, number: int, problem: str = "") -> None:
        """Count how a page ended, tell who watches, and stop the run after too many failures."""
        self.summary.pages[{"page": "done"}.get(event, event)] += 1
        if problem:
            self.summary.problems.append(problem)
        self.watch(Progress(event, one.source.shown, number, problem))
        limit = self.settings.max_failures
        if event == "failed" and limit and self.summary.pages["failed"] >= limit:
            self.summary.stopped = f"stopped after {limit} failures (--max-failures)"

    def dry_run(self, one: Plan) -> None:
        if one.problem:
            self.summary.unreadable += 1
            self.note("failed", one, 0, one.problem)
        for number in range(1, len(one.pages) + 1):
            if self.is_open(one, number):
                self.note("would read", one, number)
