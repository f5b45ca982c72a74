"""Read a folder of pages that have ground truth, with desunt and with plain Tesseract, and compare both with what stands there."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from desunt.errors import DependencyMissing, DesuntError, InputError, PageFailed, PageTimeout
from desunt.evaluate.ground_truth import GroundTruth, find_pages, read_ground_truth
from desunt.evaluate.labels import label_words
from desunt.evaluate.metrics import Rate, invented_words, line_cer, page_cer, page_wer, pooled, word_score
from desunt.record.document import Box, Gap, Page, Word

Reader: TypeAlias = Callable[[Path], tuple[Page, ...]]
Side: TypeAlias = Literal["plain", "words", "readings"]
SIDES: tuple[Side, ...] = ("plain", "words", "readings")

# A page on which desunt finds this many words fewer than plain Tesseract counts as read worse.
TOLERATED_WORDS = 2


@dataclass(frozen=True, slots=True)
class Output:
    """What was read on one image: the text, and its words with their boxes where they are known; None for several pages."""

    text: str
    words: tuple[tuple[str, Box], ...] | None


@dataclass(frozen=True, slots=True)
class Score:
    """How near one output comes to the ground truth of one image; `invented` is None where the ground truth has no boxes."""

    line_cer: Rate
    recall: Rate
    precision: Rate
    page_cer: Rate
    page_wer: Rate
    invented: Rate | None


@dataclass(frozen=True, slots=True)
class Vouched:
    """The text desunt stands behind: `share` of all words and gaps of its output, and `error` of those of its words that can be scored."""

    share: Rate
    error: Rate


@dataclass(frozen=True, slots=True)
class PageResult:
    """One image: the score of each side, what is vouched for, seconds of plain Tesseract and of desunt, and why desunt failed."""

    name: str
    plain: Score
    words: Score
    readings: Score
    vouched: Vouched
    seconds: tuple[float, float]
    problem: str = ""

    @property
    def difference(self) -> int:
        """Return how many words more than plain Tesseract desunt finds, engine readings of gaps counted."""
        return round(self.readings.recall.count - self.plain.recall.count)


@dataclass(frozen=True, slots=True)
class Report:
    """The comparison over a folder; `without_truth` names images nobody transcribed, which are not read."""

    folder: str
    vouch: float
    pages: tuple[PageResult, ...]
    without_truth: tuple[str, ...]

    @property
    def worst(self) -> PageResult:
        return min(self.pages, key=lambda page: page.difference)

    @property
    def worse(self) -> tuple[PageResult, ...]:
        """Return the pages desunt reads worse than plain Tesseract by more than two words, the worst first."""
        return tuple(sorted((page for page in self.pages if page.difference < -TOLERATED_WORDS), key=lambda page: page.difference))


def plain_tesseract(image: Path, lang: str = "eng", seconds: float = 180.0) -> Output:
    """Read the file itself with Tesseract's defaults (page segmentation 3): no cleanup, no choice, the honest baseline.

    The engine gets the path, not pixels: it reads the resolution from the file, without which it guesses one and reads worse.

    Raises DependencyMissing, PageTimeout or PageFailed.
    """
    return read_table(*_run_plain(image, lang, seconds))


def tesseract_table(image: Path, lang: str = "eng", seconds: float = 180.0) -> str:
    """Return the table of words (TSV) of the same reading. Raises what `plain_tesseract` raises."""
    return _run_plain(image, lang, seconds)[1]


def _run_plain(image: Path, lang: str, seconds: float) -> tuple[str, str]:
    import pytesseract

    try:
        text, table = pytesseract.run_and_get_multiple_output(str(image), ["txt", "tsv"], lang=lang, timeout=seconds)
    except pytesseract.TesseractNotFoundError:
        raise DependencyMissing("Tesseract is not installed", remedy="apt-get install tesseract-ocr tesseract-ocr-eng") from None
    except pytesseract.TesseractError as error:
        raise PageFailed(f"plain Tesseract cannot read {image}: {error}") from None
    except RuntimeError:
        # pytesseract raises nothing more precise when its time is up.
        raise PageTimeout(f"plain Tesseract took longer than {seconds:g} s on {image}") from None
    return text, table


def read_table(text: str, table: str) -> Output:
    """Return an output from Tesseract's text and its table of words (TSV, level 5 is a word)."""
    rows = [row for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE) if row["level"] == "5"]
    if any(row["page_num"] != "1" for row in rows):
        return Output(text, None)
    return Output(text, tuple((row["text"], _table_box(row)) for row in rows if row["text"].strip()))


def _table_box(row: dict[str, str]) -> Box:
    left, top, width, height = (int(row[name]) for name in ("left", "top", "width", "height"))
    return Box(left, top, left + max(1, width), top + max(1, height))


def desunt_output(pages: Sequence[Page], *, readings: bool) -> Output:
    """Return the words of pages in reading order; with `readings`, what the engine made of each gap stands in its place."""
    lines = [
        [token for token in line.tokens if isinstance(token, Word) or (readings and token.engine_reading)]
        for page in pages
        for line in page.lines
    ]
    text = "\n".join(" ".join(_said(token) for token in line) for line in lines)
    placed = tuple((_said(token), token.box) for line in lines for token in line if token.box)
    return Output(text, placed if len(pages) <= 1 else None)


def _said(token: Word | Gap) -> str:
    return token.text if isinstance(token, Word) else token.engine_reading or ""


def scored_text(truth: GroundTruth) -> str:
    """Return the text that whole readings are compared with: the scored lines in their order."""
    return "\n".join(" ".join(word.text for word in line.words) for line in truth.scored)


def score(truth: GroundTruth, output: Output) -> Score:
    """Compare one output with the ground truth of its image."""
    text = scored_text(truth)
    words = word_score(truth, output.text)
    invented = None if output.words is None else invented_words(truth, output.words)
    return Score(
        line_cer=line_cer(truth, output.text),
        recall=words.recall,
        precision=words.precision,
        page_cer=page_cer(text, output.text),
        page_wer=page_wer(text, output.text),
        invented=None if invented is None else Rate(invented, 1),
    )


def vouched_text(truth: GroundTruth, pages: Sequence[Page], vouch: float) -> Vouched:
    """Return how much of the output has a legibility of `vouch` or more, and how much of that is misread."""
    tokens = [token for page in pages for line in page.lines for token in line.tokens]
    words = [token for token in tokens if isinstance(token, Word)]
    labels = label_words(truth, [word.text for word in words])
    vouched = [label for word, label in zip(words, labels, strict=True) if word.legibility is not None and word.legibility >= vouch]
    return Vouched(Rate(len(vouched), len(tokens)), Rate(vouched.count("wrong"), len(vouched) - vouched.count("unscored")))


def evaluate_ocr(
    folder: Path,
    read: Reader,
    *,
    vouch: float = 0.9,
    plain: Callable[[Path], Output] = plain_tesseract,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Compare desunt's reader with plain Tesseract on every image under a folder that has ground truth.

    A page that `read` fails on counts as a page on which nothing was read. `tell` hears each image's name before it is read.
    Raises InputError if the folder has no image with ground truth, DependencyMissing if an engine or a model is not there.
    """
    found = find_pages(folder)
    pairs = [(image, truth) for image, truth in found if truth]
    if not pairs:
        raise InputError(
            f"no image in {folder} has ground truth beside it", remedy="put NAME.gt.txt, NAME.lines.json, ALTO or PAGE beside NAME.png"
        )
    results = []
    for image, truth in pairs:
        name = image.relative_to(folder).as_posix()
        tell(name)
        results.append(_compare(name, image, read_ground_truth(truth), read, plain, vouch))
    without = tuple(image.relative_to(folder).as_posix() for image, truth in found if truth is None)
    return Report(str(folder), vouch, tuple(results), without)


def _compare(name: str, image: Path, truth: GroundTruth, read: Reader, plain: Callable[[Path], Output], vouch: float) -> PageResult:
    started = time.perf_counter()
    output = plain(image)
    between = time.perf_counter()
    pages, problem = _read(image, read)
    ended = time.perf_counter()
    return PageResult(
        name=name,
        plain=score(truth, output),
        words=score(truth, desunt_output(pages, readings=False)),
        readings=score(truth, desunt_output(pages, readings=True)),
        vouched=vouched_text(truth, pages, vouch),
        seconds=(between - started, ended - between),
        problem=problem,
    )


def _read(image: Path, read: Reader) -> tuple[tuple[Page, ...], str]:
    try:
        return read(image), ""
    except DependencyMissing:
        raise
    except DesuntError as error:
        return (), str(error)


def total(scores: Iterable[Score]) -> Score:
    """Return the scores of pages pooled: sums of counts out of sums of totals."""
    scores = tuple(scores)
    placed = [one.invented for one in scores if one.invented]
    return Score(
        line_cer=pooled(one.line_cer for one in scores),
        recall=pooled(one.recall for one in scores),
        precision=pooled(one.precision for one in scores),
        page_cer=pooled(one.page_cer for one in scores),
        page_wer=pooled(one.page_wer for one in scores),
        invented=pooled(placed) if placed else None,
    )
