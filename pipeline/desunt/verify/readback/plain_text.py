"""Read text, Markdown, tables, JSON and manifests back as a stranger would; nothing here is shared with the code that writes them."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from desunt.record.conjecture import CONJECTURE_LABEL

RULE = "-" * 72
HEADS = ("The ACCEPTED text:", "The text is diplomatic.")
# A note's line about a candidate ends with its probability as people write it; what else may end so begins with one of these.
PROBABILITY = re.compile(r", (under )?\d+\.\d %$")
OTHERS = (CONJECTURE_LABEL, "Gap ", "None of these", "No reading is offered", "Decision:", "Read by an editor:", "Confirmed by ", "Note:")
CANDIDATE = re.compile(rf"{CONJECTURE_LABEL}(, not offered)?: ")
FENCE = re.compile(r"(⟦+)brackets⟧")
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|(`+)( ?)(.*?)\3\2(?!`)|\[\^\d+\]")
# Format characters that belong to scripts, and are written as they are.
JOINERS = "\u200c\u200d\u00ad"
WRITTEN_BY = re.compile(r"Written by (desunt \S+)\.\*?$", re.MULTILINE)
CANDIDATE_LINE = re.compile(r"\s*\d+\.\s")
CANDIDATE_COLUMN = re.compile(rf"{CONJECTURE_LABEL} \d+")


def candidate_lines(lines: Iterable[str]) -> tuple[int, list[str]]:
    """Return how many lines are labelled candidates, and those that look like candidates without a label."""
    labelled, bare = 0, []
    for line in lines:
        labelled += bool(CANDIDATE.match(line))
        if PROBABILITY.search(line) and not line.startswith(OTHERS):
            bare.append(f"{line[:60]!r}")
    return labelled, bare


def plain_text(content: str) -> str:
    """Return the text of a text export: all of it, or what stands between the two rules without the numbers of notes."""
    body, _ = _parted(content)
    return body


def _parted(content: str) -> tuple[str, list[str]]:
    lines = content.split("\n", 4)
    if len(lines) < 5 or lines[3] != RULE or not lines[1].startswith(HEADS):
        return content, []
    body, _, notes = lines[4].rpartition(f"{RULE}\n")
    fence = len(FENCE.search(lines[2])[1])  # type: ignore[index]  # a TypeError says that the head is not ours
    body = re.sub(rf"⟦{{{fence}}}\d+: ", "", body).replace("⟧" * fence, "")
    return body, notes.split("\n")


def plain_notes(content: str) -> Iterator[str]:
    return (line.removeprefix("   ") for line in _parted(content)[1])


def markdown_text(content: str) -> str:
    """Return the words of a reading text in Markdown, a space between them."""
    top, _, rest = content.partition("\n---\n")
    body = rest.rpartition("\n---\n")[0]
    found = FENCE.search(top)
    lines = (line.removesuffix("\\") if _breaks(line) else line for line in body.split("\n") if line != "* * *")
    text = " ".join(ESCAPED.sub(lambda one: one[1] or one[4] or "", _unfenced(line, len(found[1]) if found else 0)) for line in lines)
    return " ".join(text.split())


def _breaks(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _unfenced(line: str, fence: int) -> str:
    return line.replace("⟦" * fence, "").replace("⟧" * fence, "") if fence else line


def normalise_for_markdown(text: str) -> str:
    """Return the words of a text as Markdown and tables can hold them: characters that act are written out as `⟨U+202E⟩`."""
    words = (re.sub(r"\s", " ", word) for word in text.split())
    return " ".join("".join(f"⟨U+{ord(c):04X}⟩" if _acts(c) else c for c in word) for word in words)


def _acts(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs") and character not in JOINERS


def markdown_notes(content: str) -> Iterator[str]:
    for line in content.rpartition("\n---\n")[2].split("\n"):
        yield re.sub(r"^(\[\^\d+\]: |    - )", "", line)


def _table(content: str) -> tuple[list[str], list[list[str]]]:
    rows = list(csv.reader(io.StringIO(content.removeprefix("\ufeff"), newline="")))
    return rows[0], rows[1:]


def csv_labelled(content: str) -> int:
    names, rows = _table(content)
    return sum(bool(cell) for row in rows for name, cell in zip(names, row, strict=True) if CANDIDATE_COLUMN.fullmatch(name))


def csv_unlabelled(content: str) -> Iterator[str]:
    """Yield each column that follows the facts and is neither labelled nor about decisions."""
    names, rows = _table(content)
    start, end = names.index("engine reading (evidence)"), names.index("none of these")
    yield from (f"column {name!r}" for name in names[start + 1 : end] if not name.startswith(CONJECTURE_LABEL))
    for number, row in enumerate(rows, start=2):
        if len(row) != len(names):
            yield f"row {number}, which has {len(row)} cells for {len(names)} columns"


def _annotations(content: str) -> Iterator[dict[str, Any]]:
    for canvas in json.loads(content)["items"]:
        for page in canvas["annotations"]:
            yield from page["items"]


def manifest_text(content: str) -> str:
    """Return the words of the annotations that say what stands on the pages."""
    written = [one["body"]["value"] for one in _annotations(content) if one["motivation"] == "supplementing"]
    return " ".join(" ".join(written).split())


def manifest_notes(content: str) -> Iterator[str]:
    for one in _annotations(content):
        if one["motivation"] != "supplementing":
            yield from (body["value"] for body in one["body"])


def collapse_spaces(text: str) -> str:
    """Return the words of a text, a space between them."""
    return " ".join(text.split())


def manifest_generator(content: str) -> str:
    """Return which desunt wrote a manifest."""
    fields = json.loads(content)["metadata"]
    return next((str(field["value"]["none"][0]) for field in reversed(fields) if field["label"]["none"] == ["Written by"]), "")


def apparatus_labelled(content: str) -> int:
    """Count the lines of numbered candidates."""
    return sum(bool(CANDIDATE_LINE.match(line)) for line in content.splitlines())


def apparatus_unlabelled(content: str) -> Iterator[str]:
    """Yield the lines of numbered candidates without their label."""
    for number, line in enumerate(content.splitlines(), start=1):
        if CANDIDATE_LINE.match(line) and not CANDIDATE_LINE.sub("", line, count=1).startswith(CONJECTURE_LABEL):
            yield f"line {number} ({line.strip()[:60]!r})"


def apparatus_generator(content: str) -> str:
    """Return which desunt wrote an apparatus: its last line of that kind says so, whatever stands in quotations before it."""
    lines = [line.removeprefix("- Written by ") for line in content.splitlines() if line.startswith("- Written by ")]
    return lines[-1] if lines else ""


def text_generator(content: str) -> str:
    """Return which desunt wrote a text or a Markdown text."""
    return next((match[1] for match in WRITTEN_BY.finditer(content)), "")


def json_text(content: str) -> str:
    """Return the text, nothing where there is none."""
    document = json.loads(content)
    return str(document["text"]) if isinstance(document, dict) and "text" in document else ""


def json_labelled(content: str) -> int:
    """Count the candidates of all gaps."""
    return sum(len(gap["candidates"]) for gap in json.loads(content)["gaps"])


def json_unlabelled(content: str) -> Iterator[str]:
    """Yield the place of each object that has a probability and not the status of a conjecture."""

    def walk(value: Any, place: str) -> Iterator[str]:
        if isinstance(value, dict):
            if "probability" in value and value.get("status") != CONJECTURE_LABEL:
                yield place
            for key, inner in value.items():
                yield from walk(inner, f"{place}/{key}")
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                yield from walk(inner, f"{place}/{number}")

    yield from walk(json.loads(content), "")


def json_generator(content: str) -> str:
    """Return which desunt wrote the file."""
    document = json.loads(content)
    return str(document.get("generator", "")) if isinstance(document, dict) else ""
