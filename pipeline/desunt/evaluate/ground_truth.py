"""Ground truth beside a page image: what a person read there, line by line, with what may not be scored.

Read are, in this order: `NAME.xml` (ALTO 2-4 or PAGE; also in a folder `alto/` or `page/`), `NAME.lines.json` (`text`, `type`, `bbox`
as left, top, width, height), `NAME.gt.txt`, `NAME.gold.txt`, `NAME.txt` (a line a line). Plain texts may carry the marks `⟦?⟧` (lost),
`⟦~⟧` (after a word: unsure), `⟦REDACTED⟧`, `⟦STRUCK: ...⟧`, and whole lines `⟦HAND...⟧`, `⟦STAMP...⟧`, `⟦FORM⟧ ...`. A table
`gt_errata.tsv` in the same folder corrects slips of single words.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias
from xml.etree import ElementTree

from desunt.errors import InputError
from desunt.record.document import Box

Kind: TypeAlias = Literal["typed", "handwriting", "stamp", "form"]

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".jp2"})
TEXT_SUFFIXES = (".gt.txt", ".gold.txt", ".txt")
# Part of a line type, in small letters -> kind. A type that is not listed is typed: most sets call their lines `default`.
KIND_PATTERNS: tuple[tuple[str, Kind], ...] = (
    ("handwrit", "handwriting"),
    ("manuscript", "handwriting"),
    ("signature", "handwriting"),
    ("stamp", "stamp"),
    ("seal", "stamp"),
)
MARKED_KINDS: dict[str, Kind] = {"HAND": "handwriting", "STAMP": "stamp", "FORM": "form"}
ANY_MARK = re.compile(r"⟦[^⟦⟧]*⟧")
UNREADABLE_MARK = re.compile(r"⟦(?:REDACTED|STRUCK[^⟦⟧]*)⟧")


@dataclass(frozen=True, slots=True)
class TrueWord:
    """One word of the ground truth; `sure` is False where its reader was in doubt; an empty text is a hole nobody can read."""

    text: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class TrueLine:
    """One line: its words, its kind, and its place in pixels of the image where the ground truth has it."""

    words: tuple[TrueWord, ...]
    kind: Kind = "typed"
    box: Box | None = None

    @property
    def segments(self) -> tuple[tuple[TrueWord, ...], ...]:
        """Return the words between holes: what an engine may read in a hole is neither right nor wrong."""
        segments: list[list[TrueWord]] = [[]]
        for word in self.words:
            if word.text:
                segments[-1].append(word)
            else:
                segments.append([])
        return tuple(tuple(segment) for segment in segments if segment)


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """The lines of one image in reading order; only typed and printed lines are `scored`."""

    lines: tuple[TrueLine, ...]
    source: Path

    @property
    def scored(self) -> tuple[TrueLine, ...]:
        return tuple(line for line in self.lines if line.kind == "typed")

    @property
    def has_boxes(self) -> bool:
        """Return whether the place of every line is known; an empty page has no line whose place could be unknown."""
        return all(line.box for line in self.lines)


def find_pages(folder: Path) -> tuple[tuple[Path, Path | None], ...]:
    """Return every page image under a folder, sorted, with its ground truth or None.

    Raises InputError if the folder is missing or holds no image.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", remedy="name a folder with page images and their ground truth")
    images = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if not images:
        raise InputError(f"{folder} holds no page image ({', '.join(sorted(IMAGE_SUFFIXES))})")
    return tuple((image, _truth_file_for(image)) for image in images)


def _truth_file_for(image: Path) -> Path | None:
    """Return the ground truth of an image: the first that exists, in the order the module's docstring gives."""
    name = image.with_suffix("").name
    paths = [image.with_name(f"{name}.xml"), *(image.parent / kind / f"{name}.xml" for kind in ("page", "alto"))]
    paths += [image.with_name(name + suffix) for suffix in (".lines.json", *TEXT_SUFFIXES)]
    return next((path for path in paths if path.is_file()), None)


def read_ground_truth(source: Path) -> GroundTruth:
    """Read one ground truth file, errata applied.

    Raises InputError with the file's name if it cannot be understood.
    """
    try:
        lines = tuple(_read_lines(source))
    except (ElementTree.ParseError, json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"ground truth {source}: {error}", remedy="expected ALTO, PAGE, lines.json or plain text in UTF-8") from error
    corrections = _read_errata(source)
    return GroundTruth(tuple(_apply_errata(line, corrections) for line in lines), source)


def _read_lines(source: Path) -> Iterator[TrueLine]:
    if source.suffix == ".xml":
        return _xml_lines(ElementTree.parse(source).getroot())
    text = source.read_text(encoding="utf-8-sig")
    if source.suffix == ".json":
        return _json_lines(text)
    return (marked_line(line) for line in text.splitlines() if line.strip())


def _plain_words(text: str) -> tuple[TrueWord, ...]:
    return tuple(TrueWord(word) for word in text.split())


def _kind_of_label(label: str) -> Kind:
    return next((kind for part, kind in KIND_PATTERNS if part in label.lower()), "typed")


def marked_line(line: str) -> TrueLine:
    """Read one line of plain ground truth with its `⟦...⟧` marks."""
    if match := re.match(r"⟦(HAND|STAMP|FORM)\b", line.strip()):
        content = re.sub(r"^⟦(?:HAND|STAMP)(?::\s*)?(.*)⟧$|^⟦FORM⟧(.*)$", r"\1\2", line.strip())
        return TrueLine(_marked_words(content), MARKED_KINDS[match[1]])
    return TrueLine(_marked_words(line))


def _marked_words(text: str) -> tuple[TrueWord, ...]:
    tokens = UNREADABLE_MARK.sub(" ⟦?⟧ ", text).split()
    return tuple(TrueWord(ANY_MARK.sub("", token), sure="⟦" not in token) for token in tokens)


def _json_lines(text: str) -> Iterator[TrueLine]:
    for line in json.loads(text):
        left, top, width, height = (round(float(value)) for value in line["bbox"])
        yield TrueLine(_plain_words(line["text"]), _kind_of_label(str(line.get("type", ""))), _box(left, top, left + width, top + height))


def _box(left: int, top: int, right: int, bottom: int) -> Box | None:
    return Box(left, top, right, bottom) if left < right and top < bottom else None


def _xml_lines(root: ElementTree.Element) -> Iterator[TrueLine]:
    name = _local_name(root)
    if name == "alto":
        return _alto_lines(root)
    if name == "PcGts":
        return _page_lines(root)
    raise ValueError(f"root element {name!r} is neither alto nor PcGts")


def _local_name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _elements_named(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (part for part in element.iter() if _local_name(part) == name)


def _alto_lines(root: ElementTree.Element) -> Iterator[TrueLine]:
    labels = {tag.get("ID", ""): tag.get("LABEL", "") for tag in root.iter() if _local_name(tag).endswith("Tag")}
    unit = next((element.text for element in _elements_named(root, "MeasurementUnit")), "pixel")
    for line in _elements_named(root, "TextLine"):
        text = " ".join(string.get("CONTENT", "") for string in _elements_named(line, "String"))
        label = " ".join(labels.get(reference, "") for reference in line.get("TAGREFS", "").split())
        box = _alto_box(line) if unit == "pixel" else None
        if text.strip():
            yield TrueLine(_plain_words(text), _kind_of_label(label), box)


def _alto_box(line: ElementTree.Element) -> Box | None:
    left, top, width, height = (round(float(line.get(name, "0"))) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
    return _box(left, top, left + width, top + height)


def _page_lines(root: ElementTree.Element) -> Iterator[TrueLine]:
    for region in (element for element in root.iter() if _local_name(element) == "TextRegion"):
        for line in (element for element in region if _local_name(element) == "TextLine"):
            # The line's own TextEquiv, not those of its words; the one with the lowest index is the reading.
            readings = [element for element in line if _local_name(element) == "TextEquiv"]
            best = min(readings, key=lambda element: int(element.get("index", "0")), default=None)
            text = "" if best is None else next((element.text or "" for element in best if _local_name(element) == "Unicode"), "")
            label = f"{region.get('type', '')} {line.get('production', '')} {region.get('production', '')} {line.get('custom', '')}"
            if text.strip():
                yield TrueLine(_plain_words(text), _kind_of_label(label), _page_box(line))


def _page_box(line: ElementTree.Element) -> Box | None:
    points = next((element.get("points", "") for element in line if _local_name(element) == "Coords"), "")
    corners = [tuple(round(float(value)) for value in point.split(",")) for point in points.split()]
    if not corners:
        return None
    xs, ys = zip(*corners, strict=True)
    return _box(min(xs), min(ys), max(xs), max(ys))


def _read_errata(source: Path) -> dict[str, str]:
    """Return wrong word -> right word for one page; rows that are not one word for one word only inform people."""
    table, name = source.with_name("gt_errata.tsv"), re.sub(r"(\.gt|\.gold|\.lines)?\.\w+$", "", source.name)
    if not table.is_file():
        return {}
    with table.open(encoding="utf-8", newline="") as rows:
        of_page = [row for row in csv.DictReader(rows, delimiter="\t") if row.get("page") == name]
    pairs = [(row.get("ground_truth_has") or "", row.get("image_shows") or "") for row in of_page]
    return {wrong: right for wrong, right in pairs if len(wrong.split()) == len(right.split()) == 1}


def _apply_errata(line: TrueLine, corrections: dict[str, str]) -> TrueLine:
    if not corrections:
        return line
    parts = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)

    def correct(word: TrueWord) -> TrueWord:
        match = parts.match(word.text)
        return replace(word, text=f"{match[1]}{corrections.get(match[2], match[2])}{match[3]}") if match else word

    return replace(line, words=tuple(correct(word) for word in line.words))
