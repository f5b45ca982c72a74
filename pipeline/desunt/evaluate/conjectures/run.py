"""Measure conjectures against known answers: `desunt evaluate gaps`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from desunt.errors import InputError
from desunt.evaluate.conjectures.answers import Answer, AnswerFile, by_gap, read_answers, row_of
from desunt.evaluate.conjectures.metrics import (
    Figure,
    Outcome,
    Reals,
    bins_of,
    brier,
    calibration_error,
    character_error,
    hits,
    interval,
    mean_interval,
    outcome,
    perfect_calibration_error,
    reciprocal_ranks,
    risk_coverage_area,
)
from desunt.evaluate.conjectures.systems import Asker, WithEvidence, baselines, key_of
from desunt.evaluate.split import Split, belongs
from desunt.restore.gap_jsonl import GapLine, read_gaps
from desunt.run.workflow import lexicon_of, model_of
from desunt.settings import Settings

RANKS = (1, 5, 20)
# So many gaps restore proposes for at once; little is lost when a run is cut.
BATCH = 8
POOLED = "all"
# Called with who is asked (empty for the model), how many gaps are answered, and how many there are.
Watch: TypeAlias = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which gaps are measured: those of one task, of one split of the documents, and so many of each task at most."""

    task: str | None = None
    limit: int | None = None
    split: Split = "all"


@dataclass(frozen=True, slots=True)
class Answered:
    """Gaps with their answers, by who gave them (empty for the model), in the order of the gaps; `notes` say what was left out."""

    lines: tuple[GapLine, ...]
    answers: Mapping[str, tuple[Answer, ...]]
    model: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one task; `ece_perfect` is what perfect calibration would show at this n, `refused` the share of refusals."""

    task: str
    n: int
    hits: dict[int, Figure]
    mrr: Figure
    brier: Figure
    character_error: Figure
    ece: float
    ece_perfect: float
    aurc: Figure
    refused: float
    gaps_a_second: float | None


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline on the same gaps: its rows, and for each by how much the model's share of hits at 1 is above it, gap by gap."""

    name: str
    rows: tuple[Row, ...]
    leads: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All tasks, then all pooled; `bins` is the reliability of the pooled first candidates: (probability, right, n)."""

    model: str
    rows: tuple[Row, ...]
    bins: tuple[tuple[float, float, int], ...]
    baselines: tuple[Baseline, ...] = ()
    notes: tuple[str, ...] = ()


def select(paths: Sequence[Path], selection: Selection) -> tuple[GapLine, ...]:
    """Return the gaps to measure, task by task; raises InputError if none is left, or an id is there twice."""
    tasks: dict[str, list[GapLine]] = {}
    seen: dict[str, Path] = {}
    for path, line in ((file, line) for file in paths for line in read_gaps(file, answers=True)):
        if line.id in seen:
            raise InputError(f"{path}: the id {line.id} is there already, in {seen[line.id]}", remedy="Each gap needs an id of its own")
        seen[line.id] = path
        if selection.task in (None, line.task) and _of_split(line, selection.split, path):
            tasks.setdefault(line.task or "", []).append(line)
    chosen = tuple(line for group in tasks.values() for line in group[: selection.limit])
    if not chosen:
        wanted = f" of task {selection.task}" if selection.task else ""
        raise InputError(f"{', '.join(map(str, paths))}: no gap{wanted}", remedy="The lines' `task` and `doc` say what there is")
    return chosen


def _of_split(line: GapLine, split: Split, path: Path) -> bool:
    if split == "all":
        return True
    if line.document is None:
        raise InputError(f"{path}: gap {line.id} has no `doc`", remedy="Leave --split out, or say which document each gap is from")
    return belongs(line.document, split)


def ask(lines: Sequence[GapLine], asker: Asker, kept: AnswerFile, watch: Watch) -> tuple[Answer, ...]:
    """Return the answers in order; those that are on file are not asked for again, and no batch holds gaps of two tasks."""
    found: dict[str, Answer] = {}
    for line in lines:
        if (known := kept.find(asker.by, line.id, key_of(asker, line))) is not None:
            found[line.id] = known
    for batch in _batches([line for line in lines if line.id not in found]):
        watch(asker.by, len(found), len(lines))
        start = time.perf_counter()
        opinions = asker.answer(batch)
        share = (time.perf_counter() - start) / len(batch)
        rows = [row_of(o, line.id, asker.by, share, key_of(asker, line)) for line, o in zip(batch, opinions, strict=True)]
        found |= {answer.id: answer for answer in kept.add(rows)}
    watch(asker.by, len(found), len(lines))
    return tuple(found[line.id] for line in lines)


def _batches(lines: Iterable[GapLine]) -> Iterator[list[GapLine]]:
    batch: list[GapLine] = []
    for line in lines:
        if batch and (len(batch) == BATCH or batch[0].task != line.task):
            yield batch
            batch = []
        batch.append(line)
    if batch:
        yield batch


def put(lines: tuple[GapLine, ...], askers: Sequence[Asker], kept: AnswerFile, *, model: str, watch: Watch = lambda *_: None) -> Answered:
    """Put every gap to each; the time of loading is not counted."""
    return Answered(lines, {asker.by: ask(lines, asker, kept, watch) for asker in askers}, model)


def run(lines: tuple[GapLine, ...], settings: Settings, *, against: bool, out: Path | None, resume: bool, watch: Watch) -> Answered:
    """Put the gaps to the model of the settings and, with `against`, to the baselines; `out` gets each answer as it comes.

    Raises UsageError if `out` holds answers and is not to be resumed, and DependencyMissing if a model is not there, both before the
    first gap is asked about.
    """
    kept = AnswerFile(out, resume=resume)
    model, lexicon = model_of(settings), lexicon_of(settings)
    askers = (WithEvidence(model, lexicon, models=settings.models), *(baselines(lexicon, settings.models) if against else ()))
    return put(lines, askers, kept, model=model.ref.name, watch=watch)


def ids_of(paths: Sequence[Path]) -> frozenset[str]:
    """Return the ids of all gaps of the files."""
    return frozenset(line.id for path in paths for line in read_gaps(path))


def join(lines: Sequence[GapLine], sources: Sequence[Path], all_ids: frozenset[str]) -> Answered:
    """Return the gaps with the answers of files; gaps without an answer, and baselines that answer only some, are left out and noted.

    Raises InputError if an answer is to a gap that the files do not have (`all_ids`), or no gap has an answer.
    """
    names = ", ".join(map(str, sources))
    known = by_gap((answer for source in sources for answer in read_answers(source)), names)
    strangers = sorted({line_id for _, line_id in known} - all_ids)
    if strangers:
        raise InputError(f"{names}: gap {strangers[0]} is not in the file of gaps", remedy="Name the file that was answered")
    chosen = tuple(line for line in lines if ("", line.id) in known)
    if not chosen:
        raise InputError(f"{names}: no answer to any of the gaps", remedy="Name the file that was answered")
    answers: dict[str, tuple[Answer, ...]] = {}
    notes = [f"{len(lines) - len(chosen)} of {len(lines)} gaps have no answer and are left out"] if len(chosen) < len(lines) else []
    for by in dict.fromkeys(by for by, _ in known):
        found = tuple(known[by, line.id] for line in chosen if (by, line.id) in known)
        if len(found) == len(chosen):
            answers[by] = found
        else:
            notes.append(f"{by}: only {len(found)} of {len(chosen)} gaps have its answer; it is left out")
    return Answered(chosen, answers, names, tuple(notes))


def outcomes_of(answered: Answered, by: str = "") -> list[Outcome]:
    """Compare answers with the truth; a refusal counts by its candidates."""
    return [
        outcome(line.task or "", line.answer or "", answer.candidates, refused=answer.refusal is not None)
        for line, answer in zip(answered.lines, answered.answers[by], strict=True)
    ]


def measure(answered: Answered) -> Report:
    """Return the figures of the model, and of the baselines beside it."""
    found = {by: outcomes_of(answered, by) for by in answered.answers}
    groups = _groups([line.task or "" for line in answered.lines])
    rows = {by: tuple(_row(task, _at(outcomes, places), _rate(answered.answers[by], places)) for task, places in groups.items())
            for by, outcomes in found.items()}  # fmt: skip
    others = tuple(Baseline(by, rows[by], _leads(found[""], found[by], groups)) for by in found if by)
    return Report(answered.model, rows[""], tuple(bins_of(*confidence(found[""]))), others, answered.notes)


def _groups(tasks: Sequence[str]) -> dict[str, list[int]]:
    """Return the places of each task's gaps, and of all if there are several tasks."""
    groups: dict[str, list[int]] = {}
    for place, task in enumerate(tasks):
        groups.setdefault(task, []).append(place)
    return groups | {POOLED: list(range(len(tasks)))} if len(groups) > 1 else groups


def _at(outcomes: Sequence[Outcome], places: Sequence[int]) -> list[Outcome]:
    return [outcomes[place] for place in places]


def _rate(answers: Sequence[Answer], places: Sequence[int]) -> float | None:
    seconds = [answers[place].seconds for place in places]
    known = [one for one in seconds if one is not None]
    return len(known) / sum(known) if len(known) == len(seconds) and sum(known) > 0 else None


def _leads(model: Sequence[Outcome], other: Sequence[Outcome], groups: Mapping[str, Sequence[int]]) -> tuple[Figure, ...]:
    """Return the model's hits at 1 less the other's, over the same resampled gaps."""
    difference = hits(model, 1) - hits(other, 1)
    return tuple(mean_interval(difference[list(places)]) for places in groups.values())


def confidence(outcomes: Sequence[Outcome]) -> tuple[Reals, Reals]:
    """Return the probability of each first candidate, and 1 where it is right."""
    return np.array([o.probability for o in outcomes]), np.array([float(o.right) for o in outcomes])


def _row(task: str, outcomes: Sequence[Outcome], rate: float | None) -> Row:
    n, (probabilities, right) = len(outcomes), confidence(outcomes)
    edits, letters = character_error(outcomes)
    return Row(
        task=task,
        n=n,
        hits={most: mean_interval(hits(outcomes, most)) for most in RANKS},
        mrr=mean_interval(reciprocal_ranks(outcomes)),
        brier=mean_interval(brier(outcomes)),
        character_error=interval(n, lambda i: float(edits[i].sum() / max(1.0, letters[i].sum()))),
        ece=calibration_error(probabilities, right),
        ece_perfect=perfect_calibration_error(probabilities),
        aurc=interval(n, lambda i: risk_coverage_area(probabilities[i], right[i])),
        refused=sum(o.refused for o in outcomes) / n,
        gaps_a_second=rate,
    )
