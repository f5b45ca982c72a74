"""The heading above a transcript's text: title, date, citation, repository and the like, as (name, value) pairs.

Three forms are known: YAML front matter between `---` lines, `Key: value` lines, and labels in bold with a paragraph each (as the
Wilson Center Digital Archive gives its transcripts). A heading that is not certainly one stays in the text: a memorandum's own
`TO:`, `FROM:` and `SUBJECT:` are words of the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from desunt.record.document import Metadata


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Names of archival description. `STRONG` ones nobody types at the head of a letter.
ARCHIVAL_NAMES = _names("""
    title citation source-url url repository archive archives collection summary abstract credits description original-language rights
    license licence copyright identifier call-number shelfmark creator publisher transcriber transcribed-by transcription translator
    translated-by document-title document-date reference-code record-group provenance catalogue permalink doi
""")
KNOWN_NAMES = ARCHIVAL_NAMES | _names("""
    source date author authors language languages contents content place location series box folder format editor contributor contributors
    medium pages notes note keywords tags geographic-subjects subjects id
""")
# Names under which a value is known whatever the source calls it.
SYNONYMS = {
    "url": "source-url", "permalink": "source-url", "document-title": "title", "document-date": "date", "archive": "repository",
    "archives": "repository",
}  # fmt: skip
# Values that may have several paragraphs, and how many.
MULTI_PARAGRAPH_NAMES, MAX_VALUE_PARAGRAPHS = frozenset({"summary", "abstract", "description", "credits", "citation"}), 4

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = re.compile(
    rf"(?:{_MONTH}\s+\d{{1,2}},?\s+|\d{{1,2}}\s+{_MONTH},?\s+|{_MONTH}\s+)?\d{{4}}|\d{{4}}-\d\d-\d\d|\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}}",
    re.I,
)
_LABEL = re.compile(r"(?:\*\*|__)([^*_:\n]{1,40}):?(?:\*\*|__):?[ \t]*(.*)", re.S)
_BOLD = re.compile(r"(?:\*\*|__)(.+?)(?:\*\*|__)|#{1,2}[ \t]+(.+?)[ \t#]*", re.S)
_PAIR = re.compile(r"([^\W\d_][\w .'-]{0,39}):[ \t]+(\S.*)")
_ADDRESS = re.compile(r"<?(https?://[^\s<>]+)>?")
_PARAGRAPH = re.compile(r"[^\s\ufeff](?:[^\r\n]|(?:\r\n|\n|\r)(?![ \t]*(?:[\r\n]|$)))*")
# Nobody's heading is longer; what follows is never looked at.
MAX_HEADING_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above the text, and where the text begins, in characters."""

    metadata: Metadata = ()
    end: int = 0


@dataclass(frozen=True, slots=True)
class _Paragraph:
    text: str
    end: int


def read_heading(text: str) -> Heading:
    """Return the metadata above the text; the first form that fits is taken."""
    for read in (_read_front_matter, _read_labels, _read_key_values):
        heading = read(text)
        if heading.metadata:
            return Heading(_with_repository(heading.metadata), heading.end)
    return Heading()


def field_name(label: str) -> str:
    """Return the name a label is known by: `Original Language:` is `original-language`."""
    name = "-".join(re.findall(r"[^\W_]+", label.casefold()))
    return SYNONYMS.get(name, name)


def _read_front_matter(text: str) -> Heading:
    match = re.match(r"\ufeff?---[ \t]*(?:\r\n|\n|\r)", text)
    closing = match and re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.M).search(text[:MAX_HEADING_CHARS].replace("\r", "\n"), match.end())
    if not match or not closing:
        return Heading()
    values: list[tuple[str, list[str]]] = []
    for line in re.split(r"\r\n|\n|\r", text[match.end() : closing.start()]):
        _read_front_line(line, values)
    return Heading(tuple((name, "; ".join(parts)) for name, parts in values if parts), closing.end())


def _read_front_line(line: str, values: list[tuple[str, list[str]]]) -> None:
    """Take in one line of front matter: a key with its value, or one more line or list item of the last key's."""
    key = re.match(r"([^\s:#-][^:]*):(?:[ \t]+(.*)|[ \t]*)$", line)
    if key:
        values.append((field_name(key[1]), []))
    value = (key[2] or "" if key else re.sub(r"^\s*-\s+", "", line)).strip()
    if values and value and value not in ("|", ">", "|-", ">-") and not value.startswith("#"):
        values[-1][1].append(re.sub(r"^([\"'])(.*)\1$", r"\2", value))


def _read_labels(text: str) -> Heading:
    """Read bold labels that follow one another; bold lines before the first one are title and date."""
    paragraphs = _paragraphs(text)
    start = next((n for n, paragraph in enumerate(paragraphs) if _label_of(paragraph.text)), len(paragraphs))
    if start == len(paragraphs) or start > 4 or not all(_BOLD.fullmatch(p.text) for p in paragraphs[:start]):
        return Heading()
    pairs = list(_read_title_and_date(paragraphs[:start]))
    index = start
    while index < len(paragraphs) and (label := _label_of(paragraphs[index].text)):
        name, value = field_name(label[0]), label[1]
        last = index + 1 if value else _end_of_value(paragraphs, index + 1, name)
        values = [value, *(p.text for p in paragraphs[index + 1 : last])]
        pairs += _label_metadata(name, [value for value in values if value])
        index = last
    return Heading(tuple(pairs), paragraphs[index - 1].end)


def _end_of_value(paragraphs: list[_Paragraph], first: int, name: str) -> int:
    """Return where the value that begins at `first` ends: after one paragraph, or before the next label where a value may be long."""
    for index in range(first, min(first + (MAX_VALUE_PARAGRAPHS if name in MULTI_PARAGRAPH_NAMES else 1), len(paragraphs)) + 1):
        if index < len(paragraphs) and _label_of(paragraphs[index].text):
            return index
    return min(first + 1, len(paragraphs))


def _label_of(paragraph: str) -> tuple[str, str] | None:
    """Return the label and what stands behind it; only names of archival description are labels, and only with a colon."""
    match = _LABEL.fullmatch(paragraph)
    if not match or ":" not in paragraph[: len(paragraph) - len(match[2])] or field_name(match[1]) not in KNOWN_NAMES:
        return None
    return match[1], match[2]


def _read_title_and_date(paragraphs: list[_Paragraph]) -> Metadata:
    lines = [_collapse_space("".join(g for g in _BOLD.fullmatch(p.text).groups() if g)) for p in paragraphs]  # type: ignore[union-attr]
    dates = [line for line in lines if _DATE.fullmatch(line)]
    titles = [line for line in lines if line not in dates]
    return tuple([("title", title) for title in titles] + [("date", date) for date in dates])


def _label_metadata(name: str, paragraphs: list[str]) -> Metadata:
    """Return the pair of a label, and the address inside a citation as a pair of its own."""
    value = "\n\n".join(_collapse_space(p) for p in paragraphs)
    address = _ADDRESS.search(value)
    if name in ("citation", "source") and address:
        rest = value.replace(address.group(), "").strip()
        return (*(((name, rest),) if rest else ()), ("source-url", address[1]))
    return ((name, _ADDRESS.sub(r"\1", value)),) if value else ()


def _read_key_values(text: str) -> Heading:
    """Read blocks of `Key: value` lines, each ended by an empty line."""
    pairs: list[tuple[str, str]] = []
    end = 0
    for paragraph in _paragraphs(text):
        block = _parse_block(re.sub(r"(?:\r\n|\n|\r)-{3,}[ \t]*$", "", paragraph.text))
        if not block or not (pairs or _is_description(block)):
            break
        pairs += block
        end = paragraph.end
    return Heading(tuple(pairs), end)


def _is_description(pairs: list[tuple[str, str]]) -> bool:
    """Tell whether the first block shows, by a name that nobody types at the head of a letter, that it is a description."""
    return (len(pairs) > 1 or pairs[0][0] == "title") and any(name in ARCHIVAL_NAMES for name, _ in pairs)


def _parse_block(paragraph: str) -> list[tuple[str, str]]:
    """Return the pairs of a block all of whose lines are `Key: value` or the continuation of one; nothing if a key is unknown."""
    pairs: list[tuple[str, str]] = []
    for line in re.split(r"\r\n|\n|\r", paragraph):
        match = _PAIR.fullmatch(line)
        if match and field_name(match[1]) in KNOWN_NAMES:
            pairs.append((field_name(match[1]), _ADDRESS.sub(r"\1", match[2].strip())))
        elif pairs and line[:1] in (" ", "\t"):
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {line.strip()}")
        else:
            return []
    return pairs


def _with_repository(metadata: Metadata) -> Metadata:
    """Add the repository where only a citation of the Wilson Center Digital Archive names it."""
    named = dict(metadata)
    match = re.search(r"Wilson Center Digital Archive,\s*(.+?)\.?\s*$", named.get("citation", ""), re.S)
    return (*metadata, ("repository", match[1])) if match and "repository" not in named else metadata


def _paragraphs(text: str) -> list[_Paragraph]:
    return [_Paragraph(m.group().rstrip(), m.end()) for m in _PARAGRAPH.finditer(text, 0, MAX_HEADING_CHARS)]


def _collapse_space(paragraph: str) -> str:
    return " ".join(paragraph.split())
