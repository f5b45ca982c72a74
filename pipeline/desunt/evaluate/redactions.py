"""How many redactions are found where a person marked them: `desunt evaluate withheld`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from desunt.errors import InputError
from desunt.evaluate.conjectures.run import Watch
from desunt.evaluate.ground_truth import IMAGE_SUFFIXES
from desunt.evaluate.metrics import Rate, pooled, rate_interval
from desunt.record.document import Box, Page

# A found box is a marked one if they share half of what both cover (the rule of Pascal VOC, Everingham et al. 2010).
LEAST_OVERLAP = 0.5
SHAPE = '{"NAME of the image": {"boxes": [{"box": [left, top, right, bottom], "kind": "black", "sure": true}]}}'


@dataclass(frozen=True, slots=True)
class Marked:
    """One redaction as a person marked it, in pixels of the image; one that is not `sure` is neither missed nor wrong."""

    box: Box
    kind: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class PageScore:
    """One image: each marked redaction with whether it was found, boxes that are none, and words or fillings within marked ones."""

    name: str
    found: tuple[tuple[Marked, bool], ...]
    wrong: tuple[Box, ...]
    filled: tuple[Box, ...]


def read_marks(path: Path) -> dict[str, tuple[Marked, ...]]:
    """Read what was marked on each image, by its name without suffix; raises InputError if the file is of another form."""
    try:
        return {name: tuple(map(_mark, page["boxes"])) for name, page in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} holds no marked redactions ({error})", remedy=f"Its form is {SHAPE}") from None


def _mark(one: Mapping[str, Any]) -> Marked:
    return Marked(Box(*one["box"]), one.get("kind", "unknown"), bool(one.get("sure", True)))


def score_page(name: str, marked: Sequence[Marked], pages: Sequence[Page]) -> PageScore:
    """Match the redactions that were found with those that were marked, each with at most one, the best overlap first."""
    gaps = [gap for page in pages for gap in page.gaps if gap.box is not None]
    boxes = [gap.box for gap in gaps if gap.reason == "withheld" and gap.box]
    pairs = sorted(product(range(len(marked)), range(len(boxes))), key=lambda pair: -marked[pair[0]].box.overlap(boxes[pair[1]]))
    of_mark: dict[int, int] = {}
    for mark, box in pairs:
        if marked[mark].box.overlap(boxes[box]) >= LEAST_OVERLAP and mark not in of_mark and box not in of_mark.values():
            of_mark[mark] = box
    free = [box for number, box in enumerate(boxes) if number not in of_mark.values()]
    # One bar found in two pieces, or two as one, is a miss, but nothing that stands where nothing was withheld.
    wrong = tuple(box for box in free if not any(_mostly(box, mark.box) or _mostly(mark.box, box) for mark in marked))
    others = [gap.box for gap in gaps if gap.reason != "withheld" and gap.box]
    filled = tuple(box for box in others if any(mark.sure and _mostly(box, mark.box) for mark in marked))
    found = tuple((mark, number in of_mark) for number, mark in enumerate(marked) if mark.sure)
    return PageScore(name, found, wrong, filled)


def _mostly(inner: Box, outer: Box) -> bool:
    return inner.intersection(outer) >= LEAST_OVERLAP * inner.area


def evaluate_withheld(
    folder: Path, marks: Mapping[str, Sequence[Marked]], read: Callable[[Path], tuple[Page, ...]], watch: Watch = lambda *_: None
) -> tuple[PageScore, ...]:
    """Read every image of the folder that a person looked at; raises InputError if one of them is not there."""
    images = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES}
    missing = sorted(set(marks) - set(images))
    if missing:
        raise InputError(f"{folder} has no image named {missing[0]}", remedy="Put it there, or take it out of the file of marks")
    scores = []
    for number, name in enumerate(sorted(marks)):
        watch("reading", number, len(marks))
        scores.append(score_page(name, marks[name], read(images[name])))
    return tuple(scores)


def format_scores(scores: Sequence[PageScore]) -> str:
    """Return the figures as a Markdown table: redactions found by kind, and what was found where there are none."""
    kinds = sorted({mark.kind for page in scores for mark, _ in page.found})
    wrong = [Rate(len(page.wrong), 1) for page in scores]
    filled = [Rate(len(page.filled), 1) for page in scores]
    rows = [("all", *_found(scores, None)), *((kind, *_found(scores, kind)) for kind in kinds)]
    lines = [f"{len(scores)} pages", "", "| withheld | n | found |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    lines += [
        "",
        f"Found where nothing is withheld: {_each(wrong)} a page. Gaps that may be filled within redactions: {_each(filled)} a page.",
    ]
    return "\n".join([*lines, f"Found: intersection over union at least {LEAST_OVERLAP}. 95% bootstrap intervals over pages."])


def _found(scores: Sequence[PageScore], kind: str | None) -> tuple[str, str]:
    rates = [Rate(sum(hits), len(hits)) for hits in ([hit for mark, hit in page.found if kind in (None, mark.kind)] for page in scores)]
    value, between = pooled(rates).value, rate_interval(rates)
    if value is None:
        return "0", "-"
    return f"{pooled(rates).total:.0f}", f"{100 * value:.1f}%" + (f" ({100 * between.low:.0f}-{100 * between.high:.0f})" if between else "")


def _each(rates: Sequence[Rate]) -> str:
    value, between = pooled(rates).value, rate_interval(rates)
    return f"{value or 0.0:.2f}" + (f" ({between.low:.2f}-{between.high:.2f})" if between else "")


def scores_json(scores: Sequence[PageScore]) -> list[dict[str, Any]]:
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
