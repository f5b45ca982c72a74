"""Ways to tamper with exports of each format and mode: a guess in the text, a label taken away, something slipped in."""

from __future__ import annotations

import json
import re
from pathlib import Path

from desunt.record.manifest import write_manifest


def _edit(home: Path, file: str, old: str, new: str) -> None:
    path = home / "outputs/letter" / file
    text = path.read_bytes().decode("latin-1" if file.endswith(".pdf") else "utf-8")
    assert old in text, f"{file} has no {old!r}"
    path.write_bytes(text.replace(old, new, 1).encode("latin-1" if file.endswith(".pdf") else "utf-8"))
    write_manifest(path.parent)


def _bodies(home: Path, file: str, motivation: str, old: str, new: str) -> None:
    path = home / "outputs/letter" / file
    content = json.loads(path.read_bytes())
    found = 0
    for canvas in content["items"]:
        for one in (one for page in canvas["annotations"] for one in page["items"] if one["motivation"] == motivation):
            for body in one["body"] if isinstance(one["body"], list) else [one["body"]]:
                found += old in body["value"]
                body["value"] = body["value"].replace(old, new)
    assert found
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")
    write_manifest(path.parent)


def guess_in_markdown(home: Path) -> None:
    _edit(home, "letter.reading.md", "The \\[ILLEGIBLE\\] agreed", "The quondam agreed")


def guess_in_accepted_markdown(home: Path) -> None:
    _edit(home, "letter.accepted.reading.md", "The \\[ILLEGIBLE\\] agreed", "The quondam agreed")


def guess_in_accepted_text(home: Path) -> None:
    _edit(home, "letter.accepted.txt", "The [ILLEGIBLE] agreed", "The quondam agreed")


def guess_in_apparatus_text(home: Path) -> None:
    _edit(home, "letter.apparatus.txt", "⟦1: [ILLEGIBLE]⟧", "⟦1: quondam⟧")


def label_in_text(home: Path) -> None:
    _edit(home, "letter.apparatus.txt", "   CONJECTURE: quondam", "   quondam")


def label_in_markdown(home: Path) -> None:
    _edit(home, "letter.apparatus.reading.md", "    - CONJECTURE: quondam", "    - quondam")


def remark_in_markdown(home: Path) -> None:
    _edit(home, "letter.reading.md", "\n*Written by", "\nThe gap says quondam.\n\n*Written by")


def label_in_table(home: Path) -> None:
    _edit(home, "letter.gaps.csv", "CONJECTURE 1,", "reading 1,")


def candidate_gone_from_table(home: Path) -> None:
    _edit(home, "letter.gaps.csv", "quorum,", ",")


def guess_beside_the_mark_in_table(home: Path) -> None:
    _edit(home, "letter.gaps.csv", ",[ILLEGIBLE],", ",quondam,")


def guess_in_manifest(home: Path) -> None:
    _bodies(home, "letter.manifest.json", "supplementing", "The [ILLEGIBLE] agreed", "The quondam agreed")


def guess_in_diplomatic_manifest(home: Path) -> None:
    _bodies(home, "letter.diplomatic.manifest.json", "supplementing", "The [ILLEGIBLE] agreed", "The quondam agreed")


def label_in_manifest(home: Path) -> None:
    _bodies(home, "letter.manifest.json", "commenting", "CONJECTURE: quondam", "quondam")


def guess_in_label_of_manifest(home: Path) -> None:
    _edit(home, "letter.diplomatic.manifest.json", '"Page 1"', '"Page 1: quondam"')


def _pdf_text(home: Path, file: str) -> tuple[str, dict[str, str]]:
    """Return a PDF's bytes as characters, and the codes its text layer has for each character."""
    content = (home / "outputs/letter" / file).read_bytes().decode("latin-1")
    pairs = re.findall(r"<([0-9A-F]{4})> <([0-9A-F]{4,8})>", content)
    return content, {bytes.fromhex(text).decode("utf-16-be"): code for code, text in pairs}


def _line_in_pdf(home: Path, file: str, words: str) -> None:
    """Draw words in the stream of the first line, and keep every offset: as many bytes less elsewhere are not needed by readers."""
    content, codes = _pdf_text(home, file)
    coded = "".join(codes[letter] for letter in words)
    first = re.search(r"<([0-9A-F]+)> Tj", content)
    assert first
    assert len(coded) <= len(first[1])
    _edit(home, file, first[0], f"<{coded + first[1][len(coded) :]}> Tj")


def guess_in_pdf(home: Path) -> None:
    _line_in_pdf(home, "letter.pdf", "agreed")


def guess_in_accepted_pdf(home: Path) -> None:
    _line_in_pdf(home, "letter.accepted.pdf", "agreed")


def letter_mapped_to_another_in_pdf(home: Path) -> None:
    """Copying would give another text than the one that was coded."""
    _, codes = _pdf_text(home, "letter.pdf")
    _edit(home, "letter.pdf", f"<{codes['S']}> <0053>", f"<{codes['S']}> <0058>")


def label_in_pdf(home: Path) -> None:
    labelled, bare = ("\n".join(["", text]).encode("utf-16-be").hex().upper() for text in ("CONJECTURE: quondam", "READ ON PAGE: quondam"))
    _edit(home, "letter.apparatus.pdf", labelled, bare[: len(labelled)] if len(bare) >= len(labelled) else bare)


def guess_in_title_of_pdf(home: Path) -> None:
    old, new = ("A *letter*".encode("utf-16-be").hex().upper(), "A quondam!".encode("utf-16-be").hex().upper())
    _edit(home, "letter.pdf", old, new)


def guess_in_comment_of_pdf(home: Path) -> None:
    old, new = ("illegible;".encode("utf-16-be").hex().upper(), "quondam???".encode("utf-16-be").hex().upper())
    _edit(home, "letter.pdf", old, new)


def pdf_appended(home: Path) -> None:
    """What stands behind the end of a PDF is how PDFs are changed without a trace of what was there."""
    path = home / "outputs/letter/letter.pdf"
    path.write_bytes(path.read_bytes() + b"\n% quondam\n%%EOF\n")
    write_manifest(path.parent)


def page_image_of_another_pdf(home: Path) -> None:
    ours, theirs = ((home / "outputs" / name / f"{name}.pdf").read_bytes() for name in ("letter", "memo"))
    image = re.compile(rb"/DCTDecode /Length \d+ >>\nstream\n(.*?)\nendstream", re.DOTALL)
    found, other = image.search(ours), image.search(theirs)
    assert found
    assert other
    (home / "outputs/letter/letter.pdf").write_bytes(ours.replace(found[0], other[0]))
    write_manifest(home / "outputs/letter")


EXPORT_TAMPERINGS = [
    (guess_in_markdown, "letter/letter.reading.md"),
    (guess_in_accepted_markdown, "letter/letter.accepted.reading.md"),
    (guess_in_accepted_text, "letter/letter.accepted.txt"),
    (guess_in_apparatus_text, "letter/letter.apparatus.txt"),
    (label_in_text, "letter/letter.apparatus.txt"),
    (label_in_markdown, "letter/letter.apparatus.reading.md"),
    (remark_in_markdown, "letter/letter.reading.md"),
    (label_in_table, "letter/letter.gaps.csv"),
    (candidate_gone_from_table, "letter/letter.gaps.csv"),
    (guess_beside_the_mark_in_table, "letter/letter.gaps.csv"),
    (guess_in_manifest, "letter/letter.manifest.json"),
    (guess_in_diplomatic_manifest, "letter/letter.diplomatic.manifest.json"),
    (label_in_manifest, "letter/letter.manifest.json"),
    (guess_in_label_of_manifest, "letter/letter.diplomatic.manifest.json"),
    (guess_in_pdf, "letter/letter.pdf"),
    (guess_in_accepted_pdf, "letter/letter.accepted.pdf"),
    (letter_mapped_to_another_in_pdf, "letter/letter.pdf"),
    (label_in_pdf, "letter/letter.apparatus.pdf"),
    (guess_in_title_of_pdf, "letter/letter.pdf"),
    (guess_in_comment_of_pdf, "letter/letter.pdf"),
    (pdf_appended, "letter/letter.pdf"),
    (page_image_of_another_pdf, "letter/letter.pdf"),
]
