"""Measure conjectures against known answers: `desunt evaluate gaps`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from desunt.errors import InputError
from desunt.evaluate.conjectures.answers import Answer, AnswerFile, answer_row, index_by_gap, read_answers
from desunt.evaluate.conjectures.metrics import (
    Estimate,
    GapScore,
    Reals,
    area_under_risk_coverage,
    bootstrap_interval,
    brier,
    edits_and_lengths,
    equal_mass_bins,
    expected_calibration_error,
    hits_at,
    ideal_ece,
    mean_estimate,
    reciprocal_ranks,
    score_answer,
)
from desunt.evaluate.conjectures.systems import ConjectureSystem, FullSystem, answer_key, baseline_systems
from desunt.evaluate.split import Split, is_in_split
from desunt.restore.gap_jsonl import GapLine, read_gaps
from desunt.run.workflow import cached_gap_model, cached_lexicon
from desunt.settings import Settings

RANKS = (1, 5, 20)
# So many gaps restore proposes for at once; little is lost when a run is cut.
BATCH_SIZE_GAPS = 8
POOLED = "all"
# Called with the system that answers (empty for the model), how many gaps are answered, and how many there are.
EvaluationProgress: TypeAlias = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which gaps are measured: those of one task, of one split of the documents, and so many of each task at most."""

    task: str | None = None
    limit: int | None = None
    split: Split = "all"


@dataclass(frozen=True, slots=True)
class Answered:
    """Gaps with their answers, by the system that gave them (empty: the model), in the order of the gaps; `notes` say what was left out."""

    lines: tuple[GapLine, ...]
    answers: Mapping[str, tuple[Answer, ...]]
    model: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """The figures of one task; `ece_perfect` is what perfect calibration would show at this n, `refused` the share of refusals."""

    task: str
    n: int
    hits: dict[int, Estimate]
    mrr: Estimate
    brier: Estimate
    character_error: Estimate
    ece: float
    ece_perfect: float
    aurc: Estimate
    refused: float
    gaps_a_second: float | None


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline on the same gaps: its rows, and for each by how much the model's share of hits at 1 is above it, gap by gap."""

    name: str
    rows: tuple[TaskFigures, ...]
    leads: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True)
class ConjectureReport:
    """All tasks, then all pooled; `bins` is the reliability of the pooled first candidates: (probability, right, n)."""

    model: str
    rows: tuple[TaskFigures, ...]
    bins: tuple[tuple[float, float, int], ...]
    baselines: tuple[Baseline, ...] = ()
    notes: tuple[str, ...] = ()


def select(paths: Sequence[Path], selection: Selection) -> tuple[GapLine, ...]:
    """Return the gaps to measure, task by task; raises InputError if none is left, or an id is there twice."""
    tasks: dict[str, list[GapLine]] = {}
    file_of: dict[str, Path] = {}
    for path, line in ((file, line) for file in paths for line in read_gaps(file, answers=True)):
        if line.id in file_of:
            raise InputError(f"{path}: the id {line.id} is there already, in {file_of[line.id]}", remedy="Each gap needs an id of its own")
        file_of[line.id] = path
        if selection.task in (None, line.task) and _in_split(line, selection.split, path):
            tasks.setdefault(line.task or "", []).append(line)
    chosen = tuple(line for group in tasks.values() for line in group[: selection.limit])
    if not chosen:
        wanted = f" of task {selection.task}" if selection.task else ""
        raise InputError(f"{', '.join(map(str, paths))}: no gap{wanted}", remedy="The lines' `task` and `doc` say what there is")
    return chosen


def _in_split(line: GapLine, split: Split, path: Path) -> bool:
    if split == "all":
        return True
    if line.document is None:
        raise InputError(f"{path}: gap {line.id} has no `doc`", remedy="Leave --split out, or say which document each gap is from")
    return is_in_split(line.document, split)


def answer_gaps(
    lines: Sequence[GapLine], system: ConjectureSystem, answer_file: AnswerFile, on_progress: EvaluationProgress
) -> tuple[Answer, ...]:
    """Return the answers in order; those that are on file are not asked for again, and no batch holds gaps of two tasks."""
    keys = {line.id: answer_key(system, line) for line in lines}
    on_file = {line.id: answer_file.find(system.name, line.id, keys[line.id]) for line in lines}
    answers = {line_id: answer for line_id, answer in on_file.items() if answer is not None}
    for batch in _batches([line for line in lines if line.id not in answers]):
        on_progress(system.name, len(answers), len(lines))
        start = time.perf_counter()
        opinions = system.answer(batch)
        seconds = (time.perf_counter() - start) / len(batch)
        rows = [answer_row(opinion, line.id, system.name, seconds, keys[line.id]) for line, opinion in zip(batch, opinions, strict=True)]
        answers |= {answer.id: answer for answer in answer_file.add(rows)}
    on_progress(system.name, len(answers), len(lines))
    return tuple(answers[line.id] for line in lines)


def _batches(lines: Iterable[GapLine]) -> Iterator[list[GapLine]]:
    batch: list[GapLine] = []
    for line in lines:
        if batch and (len(batch) == BATCH_SIZE_GAPS or batch[0].task != line.task):
            yield batch
            batch = []
        batch.append(line)
    if batch:
        yield batch


def answer_all(
    lines: tuple[GapLine, ...], systems: Sequence[ConjectureSystem], answer_file: AnswerFile, *, model: str,
    on_progress: EvaluationProgress = lambda *_: None,
) -> Answered:  # fmt: skip
    """Put every gap to each system; the time of loading is not counted."""
    return Answered(lines, {system.name: answer_gaps(lines, system, answer_file, on_progress) for system in systems}, model)


def evaluate_conjectures(
    lines: tuple[GapLine, ...], settings: Settings, *, baselines: bool, out: Path | None, resume: bool, on_progress: EvaluationProgress
) -> Answered:
    """Put the gaps to the model of the settings and, with `baselines`, to those too; `out` gets each answer as it comes.

    Raises UsageError if `out` holds answers and is not to be resumed, and DependencyMissing if a model is not there, both before the
    first gap is asked about.
    """
    answer_file = AnswerFile(out, resume=resume)
    model, lexicon = cached_gap_model(settings), cached_lexicon(settings)
    systems = (FullSystem(model, lexicon, models=settings.models), *(baseline_systems(lexicon, settings.models) if baselines else ()))
    return answer_all(lines, systems, answer_file, model=model.ref.name, on_progress=on_progress)


def ids_of(paths: Sequence[Path]) -> frozenset[str]:
    """Return the ids of all gaps of the files."""
    return frozenset(line.id for path in paths for line in read_gaps(path))


def load_answers(lines: Sequence[GapLine], sources: Sequence[Path], all_ids: frozenset[str]) -> Answered:
    """Return the gaps with the answers of files; gaps without an answer, and baselines that answer only some, are left out and noted.

    Raises InputError if an answer is to a gap that the files do not have (`all_ids`), or no gap has an answer.
    """
    names = ", ".join(map(str, sources))
    by_gap = index_by_gap((answer for source in sources for answer in read_answers(source)), names)
    unknown_ids = sorted({line_id for _, line_id in by_gap} - all_ids)
    if unknown_ids:
        raise InputError(f"{names}: gap {unknown_ids[0]} is not in the file of gaps", remedy="Name the file that was answered")
    chosen = tuple(line for line in lines if ("", line.id) in by_gap)
    if not chosen:
        raise InputError(f"{names}: no answer to any of the gaps", remedy="Name the file that was answered")
    complete: dict[str, tuple[Answer, ...]] = {}
    notes = [f"{len(lines) - len(chosen)} of {len(lines)} gaps have no answer and are left out"] if len(chosen) < len(lines) else []
    for system in dict.fromkeys(system for system, _ in by_gap):
        answers = tuple(by_gap[system, line.id] for line in chosen if (system, line.id) in by_gap)
        if len(answers) == len(chosen):
            complete[system] = answers
        else:
            notes.append(f"{system}: only {len(answers)} of {len(chosen)} gaps have its answer; it is left out")
    return Answered(chosen, complete, names, tuple(notes))


def score_answers(answered: Answered, system: str = "") -> list[GapScore]:
    """Compare answers with the truth; a refusal counts by its candidates."""
    return [
        score_answer(line.task or "", line.answer or "", answer.candidates, refused=answer.refusal is not None)
        for line, answer in zip(answered.lines, answered.answers[system], strict=True)
    ]


def summarise(answered: Answered) -> ConjectureReport:
    """Return the figures of the model, and of the baselines beside it."""
    scores = {system: score_answers(answered, system) for system in answered.answers}
    groups = _indices_by_task([line.task or "" for line in answered.lines])
    rows = {system: tuple(_task_figures(task, _select(scores[system], indices), _gaps_per_second(answered.answers[system], indices))
                          for task, indices in groups.items()) for system in scores}  # fmt: skip
    others = tuple(Baseline(system, rows[system], _lead_estimates(scores[""], scores[system], groups)) for system in scores if system)
    return ConjectureReport(answered.model, rows[""], tuple(equal_mass_bins(*confidences(scores[""]))), others, answered.notes)


def _indices_by_task(tasks: Sequence[str]) -> dict[str, list[int]]:
    """Return where each task's gaps stand, and those of all if there are several tasks."""
    groups: dict[str, list[int]] = {}
    for index, task in enumerate(tasks):
        groups.setdefault(task, []).append(index)
    return groups | {POOLED: list(range(len(tasks)))} if len(groups) > 1 else groups


def _select(scores: Sequence[GapScore], indices: Sequence[int]) -> list[GapScore]:
    return [scores[index] for index in indices]


def _gaps_per_second(answers: Sequence[Answer], indices: Sequence[int]) -> float | None:
    seconds = [answers[index].seconds for index in indices]
    measured = [s for s in seconds if s is not None]
    return len(measured) / sum(measured) if len(measured) == len(seconds) and sum(measured) > 0 else None


def _lead_estimates(model: Sequence[GapScore], other: Sequence[GapScore], groups: Mapping[str, Sequence[int]]) -> tuple[Estimate, ...]:
    """Return the model's hits at 1 less the other's, over the same resampled gaps."""
    difference = hits_at(model, 1) - hits_at(other, 1)
    return tuple(mean_estimate(difference[list(indices)]) for indices in groups.values())


def confidences(scores: Sequence[GapScore]) -> tuple[Reals, Reals]:
    """Return the probability of each first candidate, and 1 where it is right."""
    return np.array([s.probability for s in scores]), np.array([float(s.right) for s in scores])


def _task_figures(task: str, scores: Sequence[GapScore], gaps_a_second: float | None) -> TaskFigures:
    n, (probabilities, right) = len(scores), confidences(scores)
    edits, letters = edits_and_lengths(scores)
    return TaskFigures(
        task=task,
        n=n,
        hits={rank: mean_estimate(hits_at(scores, rank)) for rank in RANKS},
        mrr=mean_estimate(reciprocal_ranks(scores)),
        brier=mean_estimate(brier(scores)),
        character_error=bootstrap_interval(n, lambda i: float(edits[i].sum() / max(1.0, letters[i].sum()))),
        ece=expected_calibration_error(probabilities, right),
        ece_perfect=ideal_ece(probabilities),
        aurc=bootstrap_interval(n, lambda i: area_under_risk_coverage(probabilities[i], right[i])),
        refused=sum(s.refused for s in scores) / n,
        gaps_a_second=gaps_a_second,
    )
