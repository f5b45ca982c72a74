"""Collections of any size made by hand: pages with words, and one gap a line with its conjecture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from desunt.record.atomic import sha256_of
from desunt.record.conjecture import Candidate, Conjecture, ModelRef, Opinion, Refusal
from desunt.record.document import Box, Document, Extent, Gap, ImageRef, Line, Page, Region, Step, Token, Word, stable_id
from desunt.record.files import Record, write_record

MODEL = ModelRef("a-model", "revision-1", "9" * 64)
STEPS = (Step("restore", "0.1.0", (("model", "a-model"),)),)
# What the engine made of the ink, what the model supposes, and how sure it is.
GAPS = (("qu@nd", "quondam", 0.62), ("19#5", "1945", 0.91), ("H4rr!man", "Harriman", 0.34), ("1ease", "lease", 0.08))


def _line(document_id: str, page: int, number: int) -> tuple[Line, Opinion]:
    top = 40 + 50 * number
    reading, text, probability = GAPS[number % len(GAPS)]
    place = (document_id, page, number)
    gap = Gap(
        stable_id(*place, "gap"), Box(240, top, 340, top + 30), Extent("character", len(text) - 1, len(text) + 1), "illegible", reading
    )
    names = ("We", "then", gap, "agreed", f"word{number}")
    tokens: list[Token] = []
    for at, token in enumerate(names):
        box = Box(40 + 100 * at, top, 130 + 100 * at, top + 30)
        tokens.append(token if isinstance(token, Gap) else Word(stable_id(*place, at), token, box, "tesseract", 0.97, 0.97))
    candidates = (Candidate(text, probability), Candidate(f"{text}s", round((1 - probability) / 4, 4) if probability > 0.2 else 0.02))
    rest = round(1 - probability - candidates[1].probability, 4)
    if probability < 0.1:
        return Line(stable_id(*place), None, tuple(tokens)), Refusal(gap.id, "too uncertain", candidates, rest, MODEL)
    return Line(stable_id(*place), None, tuple(tokens)), Conjecture(gap.id, candidates, rest, MODEL, ("We then", "agreed"))


def made_record(name: str, pages: int = 1, lines: int = 8) -> Record:
    """Return a document with one gap a line, each line 50 pixels below the other; gap boxes are 100 x 30 pixels."""
    pages_read, opinions = [], {}
    scan = ImageRef(name, stable_id(name) * 5 + "abcd", 800, 1000, 300)
    for number in range(1, pages + 1):
        gap_lines = [_line(name, number, at) for at in range(lines)]
        opinions |= {opinion.gap_id: opinion for _, opinion in gap_lines}
        region = Region(stable_id(name, number), "body", None, tuple(line for line, _ in gap_lines))
        pages_read.append(Page(number, replace(scan, frame=number - 1), (region,), 0.9))
    return Record(Document(name, name, (("title", f"Title of {name}"),), tuple(pages_read)), opinions, STEPS)


def write_collection(out: Path, documents: int = 2, pages: int = 1, lines: int = 8) -> list[str]:
    """Write records of documents a0.tif, a1.tif ...; return the ids of all gaps in reading order."""
    ids = []
    for number in range(documents):
        record = made_record(f"a{number}.tif", pages, lines)
        write_record(record, out / f"a{number}")
        ids += [gap.id for gap in record.document.gaps]
    return ids


def read_anew(record: Record, shift: int, *, drop: frozenset[int] = frozenset(), words: frozenset[int] = frozenset()) -> Record:
    """Return the record as another engine would give it: new ids everywhere, boxes moved to the right by `shift` pixels.

    Of the gaps, those with the numbers in `drop` are gone, and those in `words` are now read.
    """
    ids: dict[str, str] = {}
    order = {gap.id: number for number, gap in enumerate(record.document.gaps)}

    def token(old: Token) -> Token | None:
        box = old.box and Box(old.box.left + shift, old.box.top, old.box.right + shift, old.box.bottom)
        name = ids.setdefault(old.id, stable_id(old.id, "anew"))
        if isinstance(old, Gap) and order[old.id] in drop:
            return None
        if isinstance(old, Gap) and order[old.id] in words:
            return Word(name, "quondam", box, "rapid", 0.99, 0.99)
        return replace(old, id=name, box=box)

    def page(old: Page) -> Page:
        lines = tuple(
            replace(line, id=stable_id(line.id, "anew"), tokens=tuple(new for read in line.tokens if (new := token(read))))
            for line in old.lines
        )
        return replace(old, regions=(replace(old.regions[0], lines=lines),))

    document = replace(record.document, pages=tuple(map(page, record.document.pages)))
    gap_ids = {gap.id for gap in document.gaps}
    opinions = {ids[name]: replace(opinion, gap_id=ids[name]) for name, opinion in record.opinions.items() if ids.get(name) in gap_ids}
    return Record(document, opinions, record.steps)


def hash_in(folder: Path) -> str:
    """Return the hash of a document's record on disk."""
    return sha256_of(folder / "record.json")
