"""A run over many documents: plan, skip what is done, work, write, and say how each page ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from desunt.errors import DesuntError, SystemFailure, UsageError
from desunt.export.writing import commit_exports, export_requests, is_exported, remove_outputs, write_export_parts
from desunt.record.document import Metadata
from desunt.record.files import Record, read_json, with_decisions, write_record
from desunt.record.folder import (
    FailedFile,
    has_pages_after,
    is_page_done,
    page_path,
    read_cache_key,
    remove_pages_after,
    write_failure,
    write_page,
    write_source,
)
from desunt.run.cache_key import Versions
from desunt.run.events import EventKind, ProgressCallback, ProgressEvent, RunSummary
from desunt.run.executors import Executor, ExecutorConfig, load_executor
from desunt.run.inputs.catalogue import DocumentGroup, merge_metadata
from desunt.run.inputs.discovery import Shard
from desunt.run.plan import DocumentPlan, load_page_files, plan_documents, transcript_page_files
from desunt.run.retries import MAX_CONSECUTIVE_FAILURES, RetryPolicy, as_system_failure, failed_future
from desunt.run.workflow import AlignTask, join_pages, read_page_only, work_alignment, work_page, work_transcript
from desunt.settings import Settings

# A page may need several engine calls and a hundred gaps' worth of model calls; beyond this many seconds, or engine limits, it hangs.
MIN_TASK_SECONDS, TASK_ENGINE_LIMITS = 1800.0, 20


def run(
    inputs: list[Path], settings: Settings, versions: Versions, *,
    catalogue: Mapping[Path, Metadata] | None = None, groups: Sequence[DocumentGroup] = (), transcript: Path | None = None,
    shard: Shard | None = None, redo: bool = False, retry_failed: bool = False, dry_run: bool = False,
    on_progress: ProgressCallback = lambda _: None,
) -> RunSummary:  # fmt: skip
    """Work through the inputs and write every result under `settings.out`.

    `versions` are the versions of engine and model, part of each page's key. Raises UsageError for an input that does not exist.
    """
    plans = plan_documents(inputs, settings, versions, catalogue=catalogue or {}, groups=groups, transcript=transcript, shard=shard)
    on_progress(ProgressEvent("planned", "", pages=sum(max(1, len(plan.pages)) for plan in plans)))
    documents = [DocumentRun(plan, settings.out / plan.source.folder) for plan in plans]
    batch = BatchRun(settings, RunSummary(documents=len(plans)), transcript, redo, retry_failed, on_progress)
    if dry_run:
        batch.report_open_pages(documents)
    else:
        with load_executor(settings.executor, executor_config(settings)) as executor:
            batch.work(documents, executor)
    return batch.summary


def executor_config(settings: Settings) -> ExecutorConfig:
    """Return what the executor works with. Raises UsageError if workers would need a file that they do not get."""
    if settings.ship == "bytes" and settings.lexicon is not None:
        raise UsageError("--lexicon does not go with --ship bytes", remedy="Let the workers see the file, and leave --ship out")
    seconds = max(MIN_TASK_SECONDS, TASK_ENGINE_LIMITS * settings.page_seconds)
    return ExecutorConfig(settings.jobs, seconds, settings.page_memory, settings.scheduler, settings.ship)


@dataclass(slots=True)
class DocumentRun:
    """One document of a run and its folder: how many of its pages have not ended yet, and whether any of them changed."""

    plan: DocumentPlan
    folder: Path
    pages_left: int = 0
    changed: bool = False

    @property
    def page_numbers(self) -> range:
        return range(1, len(self.plan.pages) + 1)

    def remove_outputs(self) -> None:
        """Remove what was made from the pages, once, before the first of them changes."""
        if not self.changed:
            remove_outputs(self.folder)
        self.changed = True


@dataclass(slots=True)
class BatchRun:
    """The state of one run in the parent process, which alone writes; each future in flight has the method that handles its result."""

    settings: Settings
    summary: RunSummary
    transcript: Path | None
    redo: bool
    retry_failed: bool
    on_progress: ProgressCallback
    executor: Executor = field(init=False)
    in_flight: dict[Future[Any], Callable[[Future[Any]], None]] = field(default_factory=dict)
    retries: RetryPolicy = field(default_factory=RetryPolicy)

    def work(self, documents: Iterable[DocumentRun], executor: Executor) -> None:
        """Submit tasks, a few more than there are workers, and write each result as it comes."""
        self.executor = executor
        max_in_flight = 2 * executor.workers + 2
        try:
            for submit in self.submissions(documents):
                if self.summary.stop_reason:
                    break
                submit()
                while len(self.in_flight) >= max_in_flight:
                    self.handle_completed()
        except OSError as error:
            self.stop(error)
        while self.in_flight:
            self.handle_completed()

    def handle_completed(self) -> None:
        """Wait for a task and handle what it gave."""
        completed, _ = wait(self.in_flight, return_when=FIRST_COMPLETED)
        for future in completed:
            try:
                self.in_flight.pop(future)(future)
            except (OSError, DesuntError) as error:
                self.stop(error)

    def stop(self, error: BaseException) -> None:
        """Stop the run because of the machine: the pages in work stay as they were. Raises what is not the machine's."""
        failure = as_system_failure(error)
        if failure is None:
            raise error
        self.summary.stop_reason, self.summary.system_failed = f"stopped: {failure}", True

    def submissions(self, documents: Iterable[DocumentRun]) -> Iterator[Callable[[], None]]:
        """Yield what submits each piece of work, document after document."""
        for document in documents:
            write_source(document.folder, document.plan.source_file)
            if document.plan.problem:
                self.fail_document(document, document.plan.problem)
            elif document.plan.source.kind == "transcript":
                yield partial(self.submit_transcript, document)
            else:
                yield from self.page_submissions(document)

    def page_submissions(self, document: DocumentRun) -> Iterator[Callable[[], None]]:
        """Yield a submission for each page that is not done; the document is finished when the last of them has ended."""
        open_pages = [number for number in document.page_numbers if self.is_open(document, number)]
        document.pages_left = len(open_pages)
        if not open_pages:
            yield partial(self.finish, document)
        for number in open_pages:
            yield partial(self.submit_page, document, number)

    def is_open(self, document: DocumentRun, number: int) -> bool:
        """Say whether the page must be worked on; counts it as skipped if not."""
        folder, key = document.folder, document.plan.pages[number - 1].key
        if not self.redo and is_page_done(folder, number, key):
            self.record_outcome("skipped", document, number)
            return False
        if not self.redo and not self.retry_failed and read_cache_key(page_path(folder, number, ".failed")) == key:
            failure: FailedFile = read_json(FailedFile, page_path(folder, number, ".failed"))
            self.record_outcome("failed", document, number, failure.problem)
            return False
        return True

    def submit_page(self, document: DocumentRun, number: int) -> None:
        work, task = read_page_only if self.transcript else work_page, document.plan.task(number, self.settings)
        problem = document.plan.pages[number - 1].problem
        future = failed_future(problem) if problem else self.executor.submit(work, task)
        self.in_flight[future] = partial(self.on_page_ended, document, number)

    def on_page_ended(self, document: DocumentRun, number: int, future: Future[Any]) -> None:
        document.remove_outputs()
        if error := future.exception():
            if as_system_failure(error):
                raise error
            if self.retries.should_retry(document.folder, number, error):
                self.submit_page(document, number)
                return
            self.fail_page(document, number, error)
        else:
            result = future.result()
            write_page(document.folder, number, result.facts, result.opinions)
            self.retries.record_success()
            self.record_outcome("page", document, number)
        document.pages_left -= 1
        if not document.pages_left:
            self.finish(document)

    def fail_page(self, document: DocumentRun, number: int, error: BaseException) -> None:
        """Write why a page failed. Raises SystemFailure if so many failed for the same reason that it cannot be theirs."""
        write_failure(document.folder, number, document.plan.pages[number - 1].key, error)
        self.record_outcome("failed", document, number, str(error))
        if reason := self.retries.record_failure(document.folder, number, error):
            self.summary.pages["failed"] -= MAX_CONSECUTIVE_FAILURES
            raise SystemFailure(reason, remedy="Mend that and run the same command again")

    def finish(self, document: DocumentRun) -> None:
        """Join the pages of a document whose every page has ended, align them with a transcript if there is one, and export."""
        folder, last = document.folder, len(document.plan.pages)
        # A document of several files may have lost its last ones, and all that is left is done.
        fewer = has_pages_after(folder, last)
        if not document.changed and not fewer and is_exported(folder, self.settings.formats):
            return
        if fewer:
            # First what tells of those pages: a run that is killed in between must not leave it as finished.
            remove_outputs(folder)
        remove_pages_after(folder, last)
        pages, opinions = load_page_files(folder, document.plan)
        source = document.plan.source
        if self.transcript:
            from desunt.transcript import read_transcript

            transcript = read_transcript(self.transcript, document_id=source.id)
            self.submit_record(document, work_alignment, AlignTask(transcript, pages, source.id, str(source.path), self.settings))
        else:
            self.write_outputs(document, join_pages(source.id, str(source.path), pages, opinions))

    def submit_transcript(self, document: DocumentRun) -> None:
        """Read a transcript without a scan and ask for its gaps."""
        from desunt.transcript import read_transcript

        source, folder = document.plan.source, document.folder
        if not self.redo and is_page_done(folder, 1, document.plan.keys[0]) and is_exported(folder, self.settings.formats):
            self.record_outcome("skipped", document, 1)
            return
        try:
            transcript = read_transcript(source.path, document_id=source.id)
        except DesuntError as error:
            self.fail_document(document, str(error))
            return
        self.submit_record(document, work_transcript, transcript, self.settings)

    def submit_record(self, document: DocumentRun, work: Callable[..., Record], *arguments: Any) -> None:
        """Have a worker make the record of a document that has a transcript."""
        self.in_flight[self.executor.submit(work, *arguments)] = partial(self.on_record_made, document)

    def on_record_made(self, document: DocumentRun, future: Future[Any]) -> None:
        if error := future.exception():
            if as_system_failure(error):
                raise error
            self.fail_document(document, str(error))
            return
        if document.plan.source.kind == "transcript":
            write_page(document.folder, 1, *transcript_page_files(future.result(), document.plan.keys[0]))
            self.record_outcome("page", document, 1)
        self.write_outputs(document, future.result())

    def write_outputs(self, document: DocumentRun, record: Record) -> None:
        """Write the record now, and its exports and manifest when a worker has made them.

        `manifest.json` comes last: a folder without one is unfinished, whatever else lies in it.
        """
        folder, metadata = document.folder, merge_metadata(document.plan.source.metadata, record.document.metadata)
        record = replace(record, document=replace(record.document, metadata=metadata))
        remove_outputs(folder)
        write_record(record, folder)
        # What editors decided survives a new run: the decisions find their gaps again by their ids.
        decided, requests = with_decisions(record, folder), export_requests(self.settings.formats)
        future = self.executor.submit_local(write_export_parts, decided, folder, document.plan.source.path, requests, self.settings)
        self.in_flight[future] = partial(self.on_exported, document)

    def on_exported(self, document: DocumentRun, future: Future[Any]) -> None:
        error = future.exception()
        if error is None:
            commit_exports(future.result(), document.folder)
            self.on_progress(ProgressEvent("document", document.plan.source.folder))
        elif as_system_failure(error):
            raise error
        else:
            self.fail_document(document, f"the exports could not be made: {error}")

    def fail_document(self, document: DocumentRun, problem: str) -> None:
        """Write why no record or no export of the document could be made."""
        write_source(document.folder, replace(document.plan, problem=problem).source_file)
        self.summary.unreadable_documents += 1
        self.record_outcome("failed", document, 0, problem)

    def record_outcome(self, event: EventKind, document: DocumentRun, number: int, problem: str = "") -> None:
        """Count how a page ended, tell who watches, and stop the run after too many failures."""
        self.summary.pages["done" if event == "page" else event] += 1
        if problem:
            self.summary.problems.append(problem)
        self.on_progress(ProgressEvent(event, document.plan.source.display_name, number, problem))
        limit = self.settings.max_failures
        if event == "failed" and limit and self.summary.pages["failed"] >= limit:
            self.summary.stop_reason = f"stopped after {limit} failures (--max-failures)"

    def report_open_pages(self, documents: Iterable[DocumentRun]) -> None:
        """Say of each page what a run would do with it; write nothing."""
        for document in documents:
            if document.plan.problem:
                self.summary.unreadable_documents += 1
                self.record_outcome("failed", document, 0, document.plan.problem)
            for number in document.page_numbers:
                if self.is_open(document, number):
                    self.record_outcome("would read", document, number)
