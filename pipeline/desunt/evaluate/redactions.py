"""How many redactions are found where a person marked them: `desunt evaluate withheld`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from desunt.errors import InputError
from desunt.evaluate.conjectures.run import EvaluationProgress
from desunt.evaluate.error_rates import Rate, pooled, rate_interval
from desunt.evaluate.ground_truth import IMAGE_SUFFIXES
from desunt.record.document import Box, Page

# A found box is a marked one if they share half of what both cover (the rule of Pascal VOC, Everingham et al. 2010).
MIN_OVERLAP = 0.5
MARKS_FORMAT = '{"NAME of the image": {"boxes": [{"box": [left, top, right, bottom], "kind": "black", "sure": true}]}}'


@dataclass(frozen=True, slots=True)
class MarkedRedaction:
    """One redaction as a person marked it, in pixels of the image; one that is not `sure` is neither missed nor wrong."""

    box: Box
    kind: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class RedactionScore:
    """One image: each marked redaction with whether it was found, boxes that are none, and words or fillings within marked ones."""

    name: str
    found: tuple[tuple[MarkedRedaction, bool], ...]
    wrong: tuple[Box, ...]
    filled: tuple[Box, ...]


def read_marks(path: Path) -> dict[str, tuple[MarkedRedaction, ...]]:
    """Read what was marked on each image, by its name without suffix; raises InputError if the file is of another form."""
    try:
        return {name: tuple(map(_parse_mark, page["boxes"])) for name, page in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} holds no marked redactions ({error})", remedy=f"Its form is {MARKS_FORMAT}") from None


def _parse_mark(mark: Mapping[str, Any]) -> MarkedRedaction:
    return MarkedRedaction(Box(*mark["box"]), mark.get("kind", "unknown"), bool(mark.get("sure", True)))


def score_page(name: str, marked: Sequence[MarkedRedaction], pages: Sequence[Page]) -> RedactionScore:
    """Match the redactions that were found with those that were marked, each with at most one, the best overlap first."""
    gaps = [gap for page in pages for gap in page.gaps if gap.box is not None]
    boxes = [gap.box for gap in gaps if gap.reason == "withheld" and gap.box]
    pairs = sorted(product(range(len(marked)), range(len(boxes))), key=lambda pair: -marked[pair[0]].box.overlap(boxes[pair[1]]))
    box_of_mark: dict[int, int] = {}
    for mark_index, box_index in pairs:
        overlap = marked[mark_index].box.overlap(boxes[box_index])
        if overlap >= MIN_OVERLAP and mark_index not in box_of_mark and box_index not in box_of_mark.values():
            box_of_mark[mark_index] = box_index
    unmatched = [box for index, box in enumerate(boxes) if index not in box_of_mark.values()]
    # One bar found in two pieces, or two as one, is a miss, but nothing that stands where nothing was withheld.
    wrong = tuple(box for box in unmatched if not any(_is_half_inside(box, m.box) or _is_half_inside(m.box, box) for m in marked))
    others = [gap.box for gap in gaps if gap.reason != "withheld" and gap.box]
    filled = tuple(box for box in others if any(mark.sure and _is_half_inside(box, mark.box) for mark in marked))
    found = tuple((mark, index in box_of_mark) for index, mark in enumerate(marked) if mark.sure)
    return RedactionScore(name, found, wrong, filled)


def _is_half_inside(inner: Box, outer: Box) -> bool:
    return inner.intersection(outer) >= MIN_OVERLAP * inner.area


def evaluate_redactions(
    folder: Path,
    marks: Mapping[str, Sequence[MarkedRedaction]],
    read: Callable[[Path], tuple[Page, ...]],
    on_progress: EvaluationProgress = lambda *_: None,
) -> tuple[RedactionScore, ...]:
    """Read every image of the folder that a person looked at; raises InputError if one of them is not there."""
    images = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES}
    missing = sorted(set(marks) - set(images))
    if missing:
        raise InputError(f"{folder} has no image named {missing[0]}", remedy="Put it there, or take it out of the file of marks")
    scores = []
    for number, name in enumerate(sorted(marks)):
        on_progress("reading", number, len(marks))
        scores.append(score_page(name, marks[name], read(images[name])))
    return tuple(scores)


def format_scores(scores: Sequence[RedactionScore]) -> str:
    """Return the figures as a Markdown table: redactions found by kind, and what was found where there are none."""
    kinds = sorted({mark.kind for page in scores for mark, _ in page.found})
    wrong = [Rate(len(page.wrong), 1) for page in scores]
    filled = [Rate(len(page.filled), 1) for page in scores]
    rows = [("all", *_recall_cells(scores, None)), *((kind, *_recall_cells(scores, kind)) for kind in kinds)]
    lines = [f"{len(scores)} pages", "", "| withheld | n | found |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    lines += [
        "",
        f"Found where nothing is withheld: {_mean_per_page(wrong)} a page."
        f" Gaps that may be filled within redactions: {_mean_per_page(filled)} a page.",
    ]
    return "\n".join([*lines, f"Found: intersection over union at least {MIN_OVERLAP}. 95% bootstrap intervals over pages."])


def _recall_cells(scores: Sequence[RedactionScore], kind: str | None) -> tuple[str, str]:
    rates = [Rate(sum(hits), len(hits)) for hits in ([hit for mark, hit in page.found if kind in (None, mark.kind)] for page in scores)]
    value, interval = pooled(rates).value, rate_interval(rates)
    if value is None:
        return "0", "-"
    return f"{pooled(rates).total:.0f}", f"{100 * value:.1f}%" + (
        f" ({100 * interval.low:.0f}-{100 * interval.high:.0f})" if interval else ""
    )


def _mean_per_page(rates: Sequence[Rate]) -> str:
    value, interval = pooled(rates).value, rate_interval(rates)
    return f"{value or 0.0:.2f}" + (f" ({interval.low:.2f}-{interval.high:.2f})" if interval else "")


def scores_json(scores: Sequence[RedactionScore]) -> list[dict[str, Any]]:
    """Return each page for a program: what was missed, found, and found where there is nothing, as [left, top, right, bottom]."""
    return [
        {
            "page": page.name,
            "found": [_sides(mark.box) for mark, hit in page.found if hit],
            "missed": [[mark.kind, *_sides(mark.box)] for mark, hit in page.found if not hit],
            "wrong": [_sides(box) for box in page.wrong],
            "filled": [_sides(box) for box in page.filled],
        }
        for page in scores
    ]


def _sides(box: Box) -> list[int]:
    return [box.left, box.top, box.right, box.bottom]
