"""Read a folder of pages that have ground truth, with desunt and with plain Tesseract, and compare both with what stands there."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from desunt.errors import DependencyMissing, DesuntError, InputError, PageFailed, PageTimeout
from desunt.evaluate.error_rates import Rate, invented_words, line_cer, page_cer, page_wer, pooled, word_score
from desunt.evaluate.ground_truth import GroundTruth, find_pages, read_ground_truth
from desunt.evaluate.labels import label_words
from desunt.record.document import Box, Gap, Page, Word

PageReader: TypeAlias = Callable[[Path], tuple[Page, ...]]
OutputKind: TypeAlias = Literal["plain", "words", "readings"]
OUTPUT_KINDS: tuple[OutputKind, ...] = ("plain", "words", "readings")

# A page on which desunt finds this many words fewer than plain Tesseract counts as read worse.
MAX_TOLERATED_WORD_LOSS = 2


@dataclass(frozen=True, slots=True)
class OcrOutput:
    """What was read on one image: the text, and its words with their boxes where they are known; None for several pages."""

    text: str
    words: tuple[tuple[str, Box], ...] | None


@dataclass(frozen=True, slots=True)
class OcrScore:
    """How near one output comes to the ground truth of one image; `invented` is None where the ground truth has no boxes."""

    line_cer: Rate
    recall: Rate
    precision: Rate
    page_cer: Rate
    page_wer: Rate
    invented: Rate | None


@dataclass(frozen=True, slots=True)
class VouchedWords:
    """The text desunt stands behind: `share` of all words and gaps of its output, and `error` of those of its words that can be scored."""

    share: Rate
    error: Rate


@dataclass(frozen=True, slots=True)
class PageComparison:
    """One image: the score of each output, what is vouched for, seconds of plain Tesseract and of desunt, and why desunt failed."""

    name: str
    plain: OcrScore
    words: OcrScore
    readings: OcrScore
    vouched: VouchedWords
    seconds: tuple[float, float]
    problem: str = ""

    @property
    def word_gain(self) -> int:
        """Return how many words more than plain Tesseract desunt finds, engine readings of gaps counted."""
        return round(self.readings.recall.count - self.plain.recall.count)


@dataclass(frozen=True, slots=True)
class OcrReport:
    """The comparison over a folder; `without_truth` names images nobody transcribed, which are not read."""

    folder: str
    vouch: float
    pages: tuple[PageComparison, ...]
    without_truth: tuple[str, ...]

    @property
    def worst(self) -> PageComparison:
        return min(self.pages, key=lambda page: page.word_gain)

    @property
    def worse(self) -> tuple[PageComparison, ...]:
        """Return the pages desunt reads worse than plain Tesseract by more than two words, the worst first."""
        return tuple(sorted((page for page in self.pages if page.word_gain < -MAX_TOLERATED_WORD_LOSS), key=lambda page: page.word_gain))


def plain_tesseract(image: Path, lang: str = "eng", seconds: float = 180.0) -> OcrOutput:
    """Read the file itself with Tesseract's defaults (page segmentation 3): no cleanup, no choice, the honest baseline.

    The engine gets the path, not pixels: it reads the resolution from the file, without which it guesses one and reads worse.

    Raises DependencyMissing, PageTimeout or PageFailed.
    """
    return parse_tesseract_table(*_run_plain(image, lang, seconds))


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


def parse_tesseract_table(text: str, table: str) -> OcrOutput:
    """Return an output from Tesseract's text and its table of words (TSV, level 5 is a word)."""
    rows = [row for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE) if row["level"] == "5"]
    if any(row["page_num"] != "1" for row in rows):
        return OcrOutput(text, None)
    return OcrOutput(text, tuple((row["text"], _table_box(row)) for row in rows if row["text"].strip()))


def _table_box(row: dict[str, str]) -> Box:
    left, top, width, height = (int(row[name]) for name in ("left", "top", "width", "height"))
    return Box(left, top, left + max(1, width), top + max(1, height))


def to_output(pages: Sequence[Page], *, readings: bool) -> OcrOutput:
    """Return the words of pages in reading order; with `readings`, what the engine made of each gap stands in its place."""
    lines = [
        [token for token in line.tokens if isinstance(token, Word) or (readings and token.engine_reading)]
        for page in pages
        for line in page.lines
    ]
    text = "\n".join(" ".join(_token_text(token) for token in line) for line in lines)
    words = tuple((_token_text(token), token.box) for line in lines for token in line if token.box)
    return OcrOutput(text, words if len(pages) <= 1 else None)


def _token_text(token: Word | Gap) -> str:
    return token.text if isinstance(token, Word) else token.engine_reading or ""


def scored_text(truth: GroundTruth) -> str:
    """Return the text that whole readings are compared with: the scored lines in their order."""
    return "\n".join(" ".join(word.text for word in line.words) for line in truth.scored)


def score_output(truth: GroundTruth, output: OcrOutput) -> OcrScore:
    """Compare one output with the ground truth of its image."""
    text = scored_text(truth)
    words = word_score(truth, output.text)
    invented = None if output.words is None else invented_words(truth, output.words)
    return OcrScore(
        line_cer=line_cer(truth, output.text),
        recall=words.recall,
        precision=words.precision,
        page_cer=page_cer(text, output.text),
        page_wer=page_wer(text, output.text),
        invented=None if invented is None else Rate(invented, 1),
    )


def score_vouched(truth: GroundTruth, pages: Sequence[Page], vouch: float) -> VouchedWords:
    """Return how much of the output has a legibility of `vouch` or more, and how much of that is misread."""
    tokens = [token for page in pages for line in page.lines for token in line.tokens]
    words = [token for token in tokens if isinstance(token, Word)]
    labels = label_words(truth, [word.text for word in words])
    vouched = [label for word, label in zip(words, labels, strict=True) if word.legibility is not None and word.legibility >= vouch]
    return VouchedWords(Rate(len(vouched), len(tokens)), Rate(vouched.count("wrong"), len(vouched) - vouched.count("unscored")))


def evaluate_ocr(
    folder: Path,
    read: PageReader,
    *,
    vouch: float = 0.9,
    plain: Callable[[Path], OcrOutput] = plain_tesseract,
    on_image: Callable[[str], None] = lambda _: None,
) -> OcrReport:
    """Compare desunt's reader with plain Tesseract on every image under a folder that has ground truth.

    A page that `read` fails on counts as a page on which nothing was read. `on_image` is called with each image's name before it is read.
    Raises InputError if the folder has no image with ground truth, DependencyMissing if an engine or a model is not there.
    """
    images = find_pages(folder)
    pairs = [(image, truth) for image, truth in images if truth]
    if not pairs:
        raise InputError(
            f"no image in {folder} has ground truth beside it", remedy="put NAME.gt.txt, NAME.lines.json, ALTO or PAGE beside NAME.png"
        )
    results = []
    for image, truth in pairs:
        name = image.relative_to(folder).as_posix()
        on_image(name)
        results.append(_compare(name, image, read_ground_truth(truth), read, plain, vouch))
    without_truth = tuple(image.relative_to(folder).as_posix() for image, truth in images if truth is None)
    return OcrReport(str(folder), vouch, tuple(results), without_truth)


def _compare(
    name: str, image: Path, truth: GroundTruth, read: PageReader, plain: Callable[[Path], OcrOutput], vouch: float
) -> PageComparison:
    started = time.perf_counter()
    output = plain(image)
    plain_ended = time.perf_counter()
    pages, problem = _read_or_fail(image, read)
    ended = time.perf_counter()
    return PageComparison(
        name=name,
        plain=score_output(truth, output),
        words=score_output(truth, to_output(pages, readings=False)),
        readings=score_output(truth, to_output(pages, readings=True)),
        vouched=score_vouched(truth, pages, vouch),
        seconds=(plain_ended - started, ended - plain_ended),
        problem=problem,
    )


def _read_or_fail(image: Path, read: PageReader) -> tuple[tuple[Page, ...], str]:
    try:
        return read(image), ""
    except DependencyMissing:
        raise
    except DesuntError as error:
        return (), str(error)


def pool_scores(scores: Iterable[OcrScore]) -> OcrScore:
    """Return the scores of pages pooled: sums of counts out of sums of totals."""
    scores = tuple(scores)
    invented = [score.invented for score in scores if score.invented]
    return OcrScore(
        line_cer=pooled(score.line_cer for score in scores),
        recall=pooled(score.recall for score in scores),
        precision=pooled(score.precision for score in scores),
        page_cer=pooled(score.page_cer for score in scores),
        page_wer=pooled(score.page_wer for score in scores),
        invented=pooled(invented) if invented else None,
    )
