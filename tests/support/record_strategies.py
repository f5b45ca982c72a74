"""Random documents whose text tries to break out of every format, with every kind of gap, opinion, decision and edit.

Every candidate holds `CANARY` and every reading an editor gave holds `VERDICT`, so that a leak of one letter's breadth is found.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from hypothesis import strategies as st

from desunt.record.conjecture import Candidate, Conjecture, Decision, Opinion, Refusal
from desunt.record.document import Box, Document, Extent, Gap, ImageRef, Letters, Line, Page, Region, Token, Word
from desunt.record.edits import GapEdit
from desunt.record.files import Record
from desunt.transcript import transcript_document
from tests.support.records import MODEL

CANARY, VERDICT = "canaryQ", "verdictQ"
MARKUP = [
    "<script>",
    "</script>",
    "</div></span>",
    "]]>",
    "<!--",
    "&lt;",
    "&#0;",
    "<?desunt-piece ?>",
    "{{ x }}",
    "{% raw %}",
    "data-text",
    "'",
    '"',
]
MARKDOWN = [
    "[a](b)",
    "`",
    "``",
    "**",
    "#",
    "1.",
    "- ",
    "www.a.example",
    "https://a.example",
    "a@b.example",
    "$x$",
    "|",
    "\\",
    "=1+1",
    "(x)",
]
MARKS = ["[ILLEGIBLE]", "[WITHHELD]", "CONJECTURE:", "[Dalian]", "[be?]", "[sic]"]
CONTROLS = ["\u202e", "\u2066", "\u200f", "\ufeff", "\x00", "\r", "\x0b", "\x0c", "\x1b", "\x85", "\u2028", "\ufffe", "\uffff", "e\u0301"]
ASTRAL = ["😀", "𐎠𐎡", "\U0010fffe", "👩\u200d🚀"]
HOSTILE = st.sampled_from([*MARKUP, *MARKDOWN, *MARKS, *CONTROLS, *ASTRAL])
TEXT = st.lists(st.one_of(HOSTILE, st.text(max_size=4)), min_size=1, max_size=4).map("".join)
REASONS = ["illegible", "damaged", "withheld", "blank", "struck-out", "handwriting", "low-confidence"]
EXTENTS = [None, Extent("character", 3, 3), Extent("character", 0, None), Extent("word", 1, None), Extent("line", 0, 2)]
TIMES = ["2024-05-01T10:00:00Z", "2024-05-01", "yesterday", "<now>"]
NOTES = st.sampled_from(["", "]]> a note", "<b>1. \u202enote</b>"])
KINDS = ["rejected", "left-open", "withheld", "blank", "handwriting"]


def fit(text: str) -> str:
    """Return text as a word may have it: NFC, and what UTF-8 can hold."""
    return unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())


WORDS = st.one_of(TEXT, st.just("x" * 10_000) | st.just("𐎠" * 3_000)).map(fit).filter(lambda text: bool(text.strip()))
NAMES = TEXT.map(fit).map(lambda text: text.strip() or "Editor")


@st.composite
def records(draw: st.DrawFn, *, decided: bool = False) -> Record:
    """A scanned document of one or two pages; with `decided` editors have worked on it."""
    opinions: dict[str, Opinion] = {}
    pages = []
    for number in range(1, draw(st.integers(1, 2)) + 1):
        sizes = draw(st.lists(st.lists(st.integers(0, 3), max_size=2), max_size=2))
        regions = tuple(_region(draw, f"{number}-{r}", lines, opinions) for r, lines in enumerate(sizes))
        pages.append(Page(number, ImageRef(draw(st.sampled_from(["a.png", 'ein "Blatt"; %20.tif'])), "0" * 64, 100, 100, 300), regions))
    metadata = ((draw(st.sampled_from(["title", "a b<c"])), fit(draw(TEXT))),) if draw(st.booleans()) else ()
    record = Record(Document("a.png", "a.png", metadata, tuple(pages), notes=(fit(draw(TEXT)),)), opinions)
    return _decided(draw, record) if decided else record


@st.composite
def transcripts(draw: st.DrawFn) -> Record:
    """A transcript without a scan, with gaps, glosses and decisions."""
    marks = st.sampled_from(
        ["[ILLEGIBLE]", "s[????]", "Mei[kl]ejohn", "Darien [Dalian]", "[sic]", "\n", "\r\n", "\f", " ", "[REDACTED]", "[be?]"]
    )
    parts = draw(st.lists(marks | TEXT.map(lambda text: text.replace("\0", "")), min_size=1, max_size=12))
    text = ("".join(parts).encode("utf-8", "replace").decode() + " [ILLEGIBLE] end").lstrip("\ufeff")
    document = transcript_document(text.encode(), path="cable.txt", document_id="cable.txt")
    opinions: dict[str, Opinion] = {}
    for gap in document.gaps:
        _opinion(draw, gap, opinions)
    return _decided(draw, Record(document, opinions))


def _region(draw: st.DrawFn, name: str, lines: list[int], opinions: dict[str, Opinion]) -> Region:
    made = []
    for n, size in enumerate(lines):
        tokens = tuple(_token(draw, f"{name}-{n}-{t}", opinions) for t in range(size))
        made.append(
            Line(f"{name}-{n}", draw(st.sampled_from([None, Box(1, 1, 99, 9)])), tokens, draw(st.sampled_from([None, ((1, 9), (99, 8))])))
        )
    return Region(name, draw(st.sampled_from(["body", "withheld", "stamp"])), None, tuple(made))


def _token(draw: st.DrawFn, name: str, opinions: dict[str, Opinion]) -> Token:
    box = draw(st.sampled_from([None, Box(1, 2, 30, 40)]))
    if draw(st.booleans()):
        return Word(name, draw(WORDS), box, "tesseract", draw(st.sampled_from([None, 0.5])), draw(st.sampled_from([None, 0.2, 0.95])))
    reason = draw(st.sampled_from(REASONS))
    reading = None if reason == "withheld" else draw(st.none() | TEXT)
    letters = draw(st.sampled_from([Letters(), Letters("le", "r")]))
    mark, continues = draw(st.none() | WORDS), draw(st.sampled_from([None, True, False]))
    gap = Gap(name, box or Box(5, 5, 9, 9), draw(st.sampled_from(EXTENTS)), reason, reading, letters, mark=mark, continues=continues)
    _opinion(draw, gap, opinions)
    return gap


def _opinion(draw: st.DrawFn, gap: Gap, opinions: dict[str, Opinion]) -> None:
    kind = draw(st.sampled_from(["none", "conjecture", "refusal"]))
    number = 0 if gap.reason == "withheld" else draw(st.integers(0, 7))
    found = tuple(Candidate(CANARY + draw(WORDS), 0.1, possible=draw(st.booleans())) for _ in range(number))
    if kind == "conjecture" and gap.reason != "withheld":
        opinions[gap.id] = Conjecture(gap.id, found, 0.2, MODEL, ("", ""))
    elif kind == "refusal":
        opinions[gap.id] = Refusal(gap.id, draw(WORDS), found, 0.2, MODEL if found else None)


def _decided(draw: st.DrawFn, record: Record) -> Record:
    """Return the record with decisions about some gaps and words, and edits of every kind, some of which find no place."""
    decisions: dict[str, Decision] = {}
    edits: list[GapEdit] = []
    for page in record.document.pages:
        for line in page.lines:
            for token in line.tokens:
                decision = _decision(draw, token)
                if decision:
                    decisions[token.id] = decision
            if line.tokens and draw(st.integers(0, 2)) == 0:
                edit = _edit(draw, line, len(edits))
                edits.append(edit)
                decisions |= {gap.id: one for gap in edit.gaps if (one := _decision(draw, gap))}
    return replace(record, decisions=decisions, edits=tuple(edits))


def _edit(draw: st.DrawFn, line: Line, number: int) -> GapEdit:
    """An edit of a line: a gap of a word or beside it, a gap split, moved, or all of the line joined to one."""
    kind, token = draw(st.sampled_from(["add", "beside", "split", "move", "join", "lost"])), draw(st.sampled_from(line.tokens))
    reason = draw(st.sampled_from(REASONS))
    names = [token.id] if kind == "move" else [f"new-{number}-{n}" for n in range(2 if kind == "split" else 1)]
    gaps = tuple(Gap(name, token.box, draw(st.sampled_from(EXTENTS)), reason) for name in names)
    tokens = {"beside": (), "join": tuple(one.id for one in line.tokens), "lost": ("nothing",)}.get(kind, (token.id,))
    after = draw(st.sampled_from([None, token.id])) if kind == "beside" else None
    said = "add" if kind in ("beside", "lost") else kind
    return GapEdit(f"e{number}", said, line.id, tokens, after, gaps, draw(NAMES), draw(st.sampled_from(TIMES)), draw(NOTES))


def _decision(draw: st.DrawFn, token: Token) -> Decision | None:
    """A decision of any verdict; one that is no reading may carry a candidate's text all the same, and each says what it was shown."""
    editor, at, basis = draw(NAMES), draw(st.sampled_from(TIMES)), draw(st.sampled_from(["ink", "guess"]))
    about = {"shown": (CANARY + draw(TEXT),), "note": draw(NOTES), "confirmed_by": draw(st.sampled_from([(), ("Second",)]))}
    if isinstance(token, Word):
        chosen = draw(st.integers(0, 3)) == 0
        return Decision(token.id, "corrected", basis, VERDICT + draw(WORDS), editor, at, **about) if chosen else None
    verdict = draw(st.sampled_from([None, "accepted", "amended", *KINDS]))
    if verdict is None:
        return None
    if verdict in KINDS:
        return Decision(token.id, verdict, None, draw(st.sampled_from([None, CANARY + "none"])), editor, at, **about)
    return Decision(token.id, verdict, basis, VERDICT + draw(WORDS), editor, at, **about)
