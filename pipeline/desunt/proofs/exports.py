"""Prove one export: its text, read back by another way than it was written, its labels, and its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import zip_longest

from desunt.document import ImageRef
from desunt.errors import DesuntError
from desunt.export import RESERVED, Exporter, Pictures, exporter_names, load_exporter
from desunt.export.readback import LABELLED, TEXT_OF, UNLABELLED, generator_of, html_pictures
from desunt.export.text import text_encoding
from desunt.export.wording import GENERATOR
from desunt.proofs.findings import Breach, Finding, Note
from desunt.record import Record


def export_of(file: str) -> Exporter | None:
    """Return the exporter whose file this would be by its name; None for records, pages and files of no format."""
    if file.casefold() in RESERVED or (file.startswith("pages/") and file.endswith(".json")):
        return None
    fitting = [one for one in _exporters() if file.casefold().endswith(one.suffix.casefold())]
    return max(fitting, key=lambda one: len(one.suffix), default=None)


@cache
def _exporters() -> tuple[Exporter, ...]:
    return tuple(map(load_exporter, exporter_names()))


def prove_export(exporter: Exporter, content: bytes, record: Record, file: str, *, complete: bool) -> Iterator[Finding]:
    """Yield what is wrong with an export; `complete` says whether the opinions of the record could be read."""
    found = list(_contents(exporter, content, record, file, complete=complete))
    yield from found
    if not found and (complete or exporter.kind == "reading"):
        yield from _afresh(exporter, content, record, file)


def _contents(exporter: Exporter, content: bytes, record: Record, file: str, *, complete: bool) -> Iterator[Breach]:
    try:
        written = content.decode(text_encoding(record) if exporter.name == "text" else "utf-8")
        yield from _text(exporter, written, record, file)
        if exporter.name in UNLABELLED:
            for place in UNLABELLED[exporter.name](written):
                yield Breach(file, place, "is a candidate without the word CONJECTURE before it")
        if complete and exporter.name in LABELLED:
            yield from _number(LABELLED[exporter.name](written), record, file)
    except (LookupError, TypeError, ValueError, RecursionError, AssertionError) as error:
        yield Breach(file, "", f"is not what a {exporter.name} export is: {type(error).__name__}: {error}")


def _text(exporter: Exporter, written: str, record: Record, file: str) -> Iterator[Breach]:
    if exporter.name not in TEXT_OF:
        return
    text, truth = TEXT_OF[exporter.name](written), record.document.text
    if exporter.name == "html":
        truth = truth.replace("\0", "␀")
    if text != truth:
        line, found, right = _difference(text, truth)
        yield Breach(file, f"line {line} of the text", f"is {found}, where the record has {right}")
    for opinion in record.opinions.values():
        for candidate in opinion.candidates:
            if candidate.text not in truth and candidate.text in text:
                yield Breach(file, f"gap {opinion.gap_id}", f"the text holds {candidate.text!r}, a conjecture that the page does not say")


def _difference(text: str, truth: str) -> tuple[int, str, str]:
    """Return the first line that differs, from 1, and what stands there in both."""
    pairs = enumerate(zip_longest(text.split("\n"), truth.split("\n")), start=1)
    number, (found, right) = next(((number, pair) for number, pair in pairs if pair[0] != pair[1]), (0, ("", "")))
    # Lines of markup are long: show them from a little before the place where they part.
    apart = next((place for place, (a, b) in enumerate(zip(found or "", right or "", strict=False)) if a != b), 0)
    start = max(0, apart - 40)
    return number, _short(found, start), _short(right, start)


def _short(line: str | None, start: int) -> str:
    if line is None:
        return "nothing"
    shown = ("..." if start else "") + line[start:]
    return repr(shown if len(shown) <= 100 else shown[:97] + "...")


def _number(found: int, record: Record, file: str) -> Iterator[Breach]:
    gaps = {gap.id for gap in record.document.gaps}
    right = sum(len(opinion.candidates) for gap_id, opinion in record.opinions.items() if gap_id in gaps)
    if found != right:
        yield Breach(file, "candidates", f"holds {found}, where conjectures.json has {right}")


def _afresh(exporter: Exporter, content: bytes, record: Record, file: str) -> Iterator[Finding]:
    """Compare with what the record gives now; page images are taken from the export itself, and proved from the scans apart."""
    try:
        made = exporter.export(record, _own_pictures(exporter, content, record))
    except (DesuntError, ValueError, LookupError) as error:
        yield Breach(file, "", f"cannot be made from the record: {error}")
        return
    if made == content:
        return
    writer = generator_of(exporter.name, content.decode(errors="replace"))
    if writer and writer != GENERATOR:
        yield Note(file, "", f"written by {writer}: this is {GENERATOR}, so text and labels were proved, not every byte")
        return
    line, found, right = _difference(content.decode(errors="backslashreplace"), made.decode(errors="backslashreplace"))
    yield Breach(file, f"line {line}", f"is {found}, where the record gives {right}; `desunt export` writes it anew")


def _own_pictures(exporter: Exporter, content: bytes, record: Record) -> Pictures:
    found = html_pictures(content.decode(errors="replace")) if exporter.name == "html" else {}
    pictures: dict[ImageRef, bytes] = {
        page.image: found[page.number] for page in record.document.pages if page.image and page.number in found
    }
    return pictures.get
