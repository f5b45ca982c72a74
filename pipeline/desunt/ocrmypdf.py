"""desunt as the engine of OCRmyPDF: `ocrmypdf --plugin desunt.ocrmypdf in.pdf out.pdf`.

The text layer and the sidecar hold the page's own words and marks for what was not read, never a guess. What a model supposes goes into the
file that `--desunt-apparatus` names. Written for the plug-in interface of OCRmyPDF 17 (`ocrmypdf.pluginspec`).
"""

from __future__ import annotations

import fcntl
import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocrmypdf import hookimpl
from ocrmypdf.builtin_plugins.tesseract_ocr import TesseractOcrEngine
from ocrmypdf.exceptions import BadArgsError
from ocrmypdf.hocrtransform import Baseline, BoundingBox, OcrClass, OcrElement
from ocrmypdf.pluginspec import OcrEngine, OrientationConfidence

from desunt.__version__ import __version__

if TYPE_CHECKING:
    from desunt.export.placed_words import PlacedLine, PlacedWord
    from desunt.record.document import Box
    from desunt.record.files import Record
    from desunt.settings import Settings

# The hidden folder beside the apparatus that holds the pages that are done: pages end in any order, in several processes.
PAGES_SUFFIX = ".pages"


@hookimpl
def add_options(parser: ArgumentParser) -> None:
    """Add desunt's flags to those of `ocrmypdf`."""
    group = parser.add_argument_group("desunt", "What was not read, and what may have stood there")
    group.add_argument("--desunt-apparatus", metavar="FILE", help="write every gap with its labelled conjectures into this Markdown file")
    group.add_argument("--desunt-model", metavar="NAME", default="embedded", help="language model of the conjectures: embedded, ngram, ...")
    group.add_argument("--desunt-second", choices=("rapid", "none"), default="rapid", help="engine that reads doubtful words again")


@hookimpl
def check_options(options: Any) -> None:
    """Begin a new apparatus. Raises BadArgsError if its folder is not there, or the text layer is asked for in another way."""
    if getattr(options, "pdf_renderer", None) == "sandwich":
        raise BadArgsError("desunt writes no PDF of its own: leave --pdf-renderer sandwich out")
    if apparatus := _apparatus_path(options):
        if not apparatus.parent.is_dir():
            raise BadArgsError(f"--desunt-apparatus {apparatus}: no folder {apparatus.parent}; make it first")
        shutil.rmtree(_pages_folder(apparatus), ignore_errors=True)
        apparatus.unlink(missing_ok=True)


@hookimpl
def get_ocr_engine(options: Any) -> OcrEngine | None:
    """Return desunt, unless another engine was named with `--ocr-engine`."""
    return DesuntEngine() if options is None or getattr(options, "ocr_engine", "auto") in ("auto", "desunt") else None


class DesuntEngine(OcrEngine):
    """Read pages as `desunt run` does; which way up and how slanted a page is, is left to Tesseract, as OCRmyPDF has it."""

    @staticmethod
    def version() -> str:
        return __version__

    @staticmethod
    def creator_tag(options: Any) -> str:
        return f"desunt {__version__} (the page's own words; gaps are marked)"

    def __str__(self) -> str:
        return f"desunt {__version__}"

    @staticmethod
    def languages(options: Any) -> set[str]:
        return set(TesseractOcrEngine.languages(options))

    @staticmethod
    def get_orientation(input_file: Path, options: Any) -> OrientationConfidence:
        return TesseractOcrEngine.get_orientation(input_file, options)

    @staticmethod
    def get_deskew(input_file: Path, options: Any) -> float:
        return float(TesseractOcrEngine.get_deskew(input_file, options))

    @staticmethod
    def supports_generate_ocr() -> bool:
        return True

    @staticmethod
    def generate_ocr(input_file: Path, options: Any, page_number: int = 0) -> tuple[OcrElement, str]:
        """Return a page's words and gap marks as OCRmyPDF's tree, boxes in pixels of `input_file`, and the page's diplomatic text."""
        from desunt.export.modes import text_for_mode

        record = _read(Path(input_file), page_number + 1, _settings(options))
        if apparatus := _apparatus_path(options):
            _add_to_apparatus(apparatus, page_number + 1, record)
        return _page_element(record, page_number), text_for_mode(record, "diplomatic")

    @staticmethod
    def generate_hocr(input_file: Path, output_hocr: Path, output_text: Path, options: Any) -> None:
        """Write the page as hOCR and text."""
        from desunt.export import load_exporter
        from desunt.export.modes import text_for_mode

        record = _read(Path(input_file), 1, _settings(options))
        output_hocr.write_bytes(b"".join(load_exporter("hocr").export(record, lambda _: None, "diplomatic")))
        output_text.write_text(text_for_mode(record, "diplomatic"), encoding="utf-8")

    @staticmethod
    def generate_pdf(input_file: Path, output_pdf: Path, output_text: Path, options: Any) -> None:
        raise NotImplementedError("desunt gives OCRmyPDF words with their places: leave --pdf-renderer sandwich out")


def _settings(options: Any) -> Settings:
    from desunt.settings import read_settings

    lang = "+".join(getattr(options, "languages", None) or ["eng"])
    return read_settings(lang=lang, model=_flag(options, "desunt_model"), second=_flag(options, "desunt_second"))


def _flag(options: Any, name: str) -> str | None:
    """Return one of desunt's own flags: OCRmyPDF keeps flags of plug-ins apart from its own."""
    value = getattr(options, "extra_attrs", {}).get(name) or getattr(options, name, None)
    return None if value is None else str(value)


def _apparatus_path(options: Any) -> Path | None:
    name = _flag(options, "desunt_apparatus")
    return Path(name) if name else None


def _read(image: Path, number: int, settings: Settings) -> Record:
    """Read one page image as a document of its own."""
    from desunt.record.atomic import sha256_of
    from desunt.run.workflow import PageTask, SourcePart, join_pages, work_page

    name = f"page {number}"
    result = work_page(PageTask(image, name, number, sha256_of(image), "", settings, SourcePart(image.name, 1)))
    return join_pages(name, image.name, (result.facts,), result.opinions.opinions)


def _page_element(record: Record, page_number: int) -> OcrElement:
    from desunt.export.placed_words import placed_blocks, scanned_page

    page = scanned_page(record)
    image = page.image
    assert image is not None  # scanned_page has made sure
    paragraphs = [
        OcrElement(OcrClass.PARAGRAPH, bbox=_bounds(block.box), children=[_line_element(line) for line in block.lines])
        for block in placed_blocks(page, record, "diplomatic")
    ]
    bounds = BoundingBox(left=0, top=0, right=image.width, bottom=image.height)
    return OcrElement(OcrClass.PAGE, bbox=bounds, dpi=float(image.dpi), page_number=page_number, children=paragraphs)


def _line_element(line: PlacedLine) -> OcrElement:
    """Return a line; its baseline is relative to the lower left corner of its box, as in hOCR."""
    baseline = None
    if line.line.baseline:
        (left, y_left), (right, y_right) = line.line.baseline
        slope = (y_right - y_left) / (right - left) if right != left else 0.0
        baseline = Baseline(slope=slope, intercept=y_left + slope * (line.box.left - left) - line.box.bottom)
    return OcrElement(OcrClass.LINE, bbox=_bounds(line.box), baseline=baseline, children=[_word_element(word) for word in line.words])


def _word_element(word: PlacedWord) -> OcrElement:
    from desunt.export.placed_words import confidence_of

    return OcrElement(OcrClass.WORD, bbox=_bounds(word.box), text=word.rendered.text, confidence=confidence_of(word))


def _bounds(box: Box) -> BoundingBox:
    return BoundingBox(left=box.left, top=box.top, right=box.right, bottom=box.bottom)


def _pages_folder(apparatus: Path) -> Path:
    return apparatus.with_name(f".{apparatus.name}{PAGES_SUFFIX}")


def _add_to_apparatus(apparatus: Path, number: int, record: Record) -> None:
    """Write a page's apparatus, and the whole from the pages there are; other pages may end in other processes at this moment."""
    from desunt.export import load_exporter
    from desunt.record.atomic import write_atomically

    folder = _pages_folder(apparatus)
    folder.mkdir(exist_ok=True)
    page = b"".join(load_exporter("apparatus").export(record, lambda _: None, "apparatus"))
    write_atomically(folder / f"{number:06}.md", page)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        write_atomically(apparatus, b"\n".join(file.read_bytes() for file in sorted(folder.glob("*.md"))))
