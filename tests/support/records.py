"""Records made by hand: words, doubtful words, gaps of every reason, conjectures, refusals, and text that tries to break out."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

from desunt.record.atomic import sha256_of
from desunt.record.conjecture import Candidate, Conjecture, Evidence, ModelRef, Opinion, Refusal
from desunt.record.document import Box, Document, Extent, Gap, ImageRef, Letters, Line, Page, Region, Step, Token, Word
from desunt.record.files import PAGE_CONJECTURES_SCHEMA, PAGE_SCHEMA, PageConjecturesFile, PageFile, Record, to_json, write_record
from desunt.transcript import transcript_document

MODEL = ModelRef("a-model", "revision-1", "9" * 64)
SCRIPT = "<script>alert(1)</script>"
TURNED = "a\u202ekcab\u2066"
MARKDOWN = "[x](http://evil.example)"
STEPS = (
    Step("scan", "0.1.0", (("max_pixels", "200000000"), ("pdf_dpi", "300"))),
    Step("gaps", "0.1.0", (("vouch", "0.9"), ("read", "0.5"))),
    Step("restore", "0.1.0", (("model", "a-model"),)),
)
# A grey square, 8 x 8 pixels.
SQUARE = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/wAALCAAIAAgB"
    "AREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcY"
    "GRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi"
    "4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/ACv/2Q=="
)


def box(line: int, place: int, width: int = 60) -> Box:
    return Box(40 + 80 * place, 40 + 40 * line, 40 + 80 * place + width, 64 + 40 * line)


def word(name: str, text: str, at: Box | None, legibility: float | None = 0.98) -> Word:
    return Word(name, text, at, "tesseract", legibility, legibility)


def candidates(*pairs: tuple[str, float]) -> tuple[Candidate, ...]:
    evidence = (Evidence("context", -1.5, "fits the text on both sides best"), Evidence("ink", -2.25, "the engine read 'qu@nd'"))
    return tuple(Candidate(text, probability, evidence) for text, probability in pairs)


def first_page(image: ImageRef | None) -> Page:
    tokens: tuple[tuple[Token, ...], ...] = (
        (word("w1", "Strictly", box(0, 0)), word("w2", "Confidential.", box(0, 1, 100), 0.71)),
        (
            word("w3", "The", box(1, 0)),
            Gap("g1", box(1, 1), Extent("character", 5, 7), "illegible", "qu@nd"),
            word("w4", "agreed", box(1, 2)),
        ),
        (
            word("w5", SCRIPT, box(2, 0)),
            word("w6", TURNED, box(2, 1)),
            Gap("g2", box(2, 2), None, "withheld"),
            word("w7", MARKDOWN, box(2, 3)),
        ),
        (Gap("g3", box(3, 0), Extent("word", 1, None), "damaged"), word("w8", "&amp;", box(3, 1)), Gap("g4", box(3, 2), None, "blank")),
    )
    lines = tuple(Line(f"l{n}", None, row) for n, row in enumerate(tokens))
    return Page(1, image, (Region("r1", "body", None, lines[:1]), Region("r2", "body", None, lines[1:])), 0.93)


def second_page(image: ImageRef | None) -> Page:
    tokens = (
        word("w9", "`code`", box(0, 0)),
        Gap("g5", box(0, 1), Extent("character", 3, 3), "low-confidence", "1ette", Letters("le", "r")),
        Gap("g6", box(0, 2), None, "handwriting", continues=True),
        Gap("g7", box(0, 3), Extent("line", 1, 2), "struck-out", continues=None),
    )
    return Page(2, image, (Region("r3", "body", None, (Line("l9", None, tokens),)),), None)


def sample_record(name: str = "letter.tif", sha256: str = "a" * 64, *, scanned: bool = True) -> Record:
    """Return a document of two pages with every kind of gap and opinion."""
    image = ImageRef(name, sha256, 480, 640, 300) if scanned else None
    metadata = (("title", "A *letter* & <b>more</b>"), ("date", "3 July 1945"), ("citation", "www.example.org, p. 1"))
    pages = (first_page(image), second_page(replace(image, frame=1) if image else None))
    document = Document(name, name, metadata, pages, notes=("page 1: `[be?]` may be a gloss; it is left as it stands",))
    opinions: dict[str, Opinion] = {
        "g1": Conjecture("g1", candidates(("quondam", 0.62), ("quorum", 0.2), (SCRIPT, 0.01)), 0.17, MODEL, ("The ", " agreed")),
        "g2": Refusal("g2", "withheld: never filled"),
        "g3": Refusal(
            "g3", "candidates too close: the first two have 11% and 10%", candidates(("zephyr", 0.11), (MARKDOWN + "`", 0.1)), 0.79, MODEL
        ),
        "g5": Conjecture(
            "g5",
            candidates(("tte", 0.5), ("\u202eett", 0.3), ("aaa", 0.02), ("bbb", 0.02), ("ccc", 0.01), ("ddd", 0.01)),
            0.14,
            MODEL,
            ("", ""),
        ),
    }
    return Record(document, opinions, STEPS)


TRANSCRIPT = "Title: A cable\r\n\r\nSTALIN ASKED FOR\u00a0THE [ILLEGIBLE] OF Darien [Dalian].\r\nIt was... [ILLEGIBLE]\r\nno é more <i>\r\n"


def sample_transcript(encoding: str = "utf-8", text: str = TRANSCRIPT) -> Record:
    """Return a transcript without a scan, with a conjecture for its first gap."""
    document = transcript_document(text.encode(encoding), path="cable.txt", document_id="cable.txt")
    first, *_ = document.gaps
    return Record(
        document, {first.id: Conjecture(first.id, candidates(("lease", 0.4), ("port", 0.2)), 0.4, MODEL, ("THE ", " OF"))}, STEPS[2:]
    )


def draw_scan(path: Path, seed: int) -> str:
    """Draw a scan of two frames and return its hash."""
    from PIL import Image, ImageDraw

    frames = []
    for frame in range(2):
        page = Image.new("L", (480, 640), 250)
        pen = ImageDraw.Draw(page)
        for line in range(12):
            left = 30 + (seed * 37 + frame * 91 + line * 53) % 200
            pen.rectangle((left, 40 + 40 * line, left + 160, 64 + 40 * line), fill=20)
        frames.append(page)
    path.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(path, save_all=True, append_images=frames[1:], dpi=(300, 300))
    return sha256_of(path)


def write_pages(record: Record, folder: Path) -> None:
    """Write the files of single pages as a run does."""
    for page in record.document.pages:
        here = {gap.id: record.opinions[gap.id] for gap in page.gaps if gap.id in record.opinions}
        (folder / "pages").mkdir(parents=True, exist_ok=True)
        facts, opinions = (
            PageFile(PAGE_SCHEMA, "key", record.steps, page),
            PageConjecturesFile(PAGE_CONJECTURES_SCHEMA, "key", record.steps, here),
        )
        (folder / "pages" / f"{page.number:04d}.json").write_bytes(to_json(facts))
        (folder / "pages" / f"{page.number:04d}.conjectures.json").write_bytes(to_json(opinions))


def write_outputs(record: Record, folder: Path, scan: Path | None) -> None:
    """Write all that a run writes for a document."""
    from desunt.export import EXPORTERS, export_files, load_exporter
    from desunt.record.manifest import write_manifest
    from desunt.scan import display_jpeg

    write_pages(record, folder)
    write_record(record, folder)
    for name in EXPORTERS:
        exporter = load_exporter(name)

        def pictures(image: ImageRef) -> bytes | None:
            return display_jpeg(scan, image, width=200, max_pixels=10**6, pdf_dpi=300) if scan else None

        for mode in exporter.modes:
            for file, part in export_files(folder.name, exporter, mode, record):
                (folder / file).write_bytes(b"".join(exporter.export(part, pictures, mode)))
    write_manifest(folder)
