"""Cut single words from gold transcripts of scans: gaps whose text is hardly on the web, on the same conditions as the word1 task.

usage: python -m training.cut_words FOLDER --out FILE.jsonl [--number 300] [--seed 1] [--without PAGE ...]

FOLDER holds `NAME.gt.txt`, a line of the page each, with the marks ⟦?⟧ (lost), ⟦~⟧ (unsure), ⟦REDACTED⟧, and ⟦HAND⟧, ⟦STAMP⟧, ⟦FORM⟧ at
the start of lines that are no running text. Of the running text, words of letters are drawn evenly, all pages together: none that its
reader was unsure of, none that runs over two lines or stands near a loss, none with little text on one side. Each line of the result has
up to 900 characters a side, the true word, and a length within a range of three with the truth anywhere in it. The same folder, number
and seed give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TASK = "jfk-words"
# Characters of text kept on each side, and the least there must be: what the word1 task has.
MAX_CONTEXT_CHARS, MIN_CONTEXT_CHARS = 900, 130
# So many characters around a word must hold no loss: nobody could tell which gap the text is broken by.
MIN_CHARS_TO_LOSS = 60
NO_RUNNING_TEXT = re.compile(r"^⟦(?:HAND|STAMP|FORM|STRUCK)\b")
LOST, REDACTED, UNSURE = "⟦?⟧", "⟦REDACTED⟧", "⟦~⟧"
# Private characters stand for marks while words are looked for, each one sign long.
PLACEHOLDERS = {LOST: "\ue000", REDACTED: "\ue001", UNSURE: "\ue002", "JOINED": "\ue003"}
PRINTED = {LOST: "[ILLEGIBLE]", REDACTED: "[WITHHELD]", UNSURE: "", "JOINED": ""}
BROKEN_WORD = re.compile(r"(?<=[a-z])-\n(?=[a-z])")
WORD = re.compile(r"(?<![^\s(\"'\[])[^\W\d_]+(?:['’-][^\W\d_]+)*(?=[\s.,;:!?)\"'\]]|$)")


@dataclass(frozen=True, slots=True)
class CutWord:
    """One word that may be cut: the page, and the plain text before and after it."""

    page: str
    before: str
    answer: str
    after: str


def main() -> None:
    """Cut and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--number", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", nargs="*", default=[], metavar="PAGE", help="pages to leave out: trained on, say")
    args = parser.parse_args()
    pages = {path.name.removesuffix(".gt.txt"): path.read_text(encoding="utf-8") for path in sorted(args.folder.glob("*.gt.txt"))}
    if unknown := set(args.without) - pages.keys():
        parser.error(f"{args.folder}: no page {min(unknown)}")
    pages = {page: text for page, text in pages.items() if page not in args.without}
    words = [cut for page, text in pages.items() for cut in find_cuts(page, text)]
    if len(words) < args.number:
        parser.error(f"{args.folder}: only {len(words)} words can be cut")
    rows = draw_gaps(words, args.number, args.seed)
    args.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    print(f"{args.out}: {len(rows)} of {len(words)} words, {len(pages)} pages")


def find_cuts(page: str, transcript: str) -> Iterator[CutWord]:
    """Yield every word of a page that may be cut."""
    text = running_text(transcript)
    for match in WORD.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        near = before[-MIN_CHARS_TO_LOSS:] + after[:MIN_CHARS_TO_LOSS]
        unsure = after[:2].lstrip(".,;:!?)\"'")[:1] == PLACEHOLDERS[UNSURE]
        if unsure or PLACEHOLDERS[LOST] in near or PLACEHOLDERS[REDACTED] in near:
            continue
        cut = CutWord(page, print_marks(before), match[0], print_marks(after))
        if len(cut.before) >= MIN_CONTEXT_CHARS and len(cut.after) >= MIN_CONTEXT_CHARS:
            yield cut


def running_text(transcript: str) -> str:
    """Return the running text of a page on one line: no handwriting, stamps or forms; a word that was broken at a line's end is whole.

    The break keeps a mark, so that the word is not cut: whether it had a hyphen of its own cannot be known.
    """
    text = "\n".join(line.strip() for line in transcript.splitlines() if line.strip() and not NO_RUNNING_TEXT.match(line))
    for mark in (LOST, REDACTED, UNSURE):
        text = text.replace(mark, PLACEHOLDERS[mark])
    return " ".join(BROKEN_WORD.sub(PLACEHOLDERS["JOINED"], text).split())


def print_marks(text: str) -> str:
    """Return the text as a reader of desunt's own output has it: losses by their marks, doubts not marked."""
    for mark, printed in PRINTED.items():
        text = text.replace(PLACEHOLDERS[mark], printed)
    return text


def draw_gaps(words: Sequence[CutWord], number: int, seed: int) -> list[dict[str, object]]:
    """Return so many of the words as lines of a file of gaps, in the order of the pages."""
    rng = random.Random(seed)
    chosen = sorted(rng.sample(range(len(words)), number))
    return [_row(place, words[index], rng.randrange(3)) for place, index in enumerate(chosen)]


def _row(place: int, cut: CutWord, less: int) -> dict[str, object]:
    least = max(1, len(cut.answer) - less)
    return {
        "id": f"jfk-{place}", "task": TASK, "doc": cut.page, "before": cut.before[-MAX_CONTEXT_CHARS:],
        "after": cut.after[:MAX_CONTEXT_CHARS], "answer": cut.answer, "words": 1,
        "extent": {"unit": "character", "least": least, "most": least + 2},
    }  # fmt: skip


if __name__ == "__main__":
    main()
