"""Ways to tamper with what a run wrote: each a function of the folder that holds `outputs` and `scans`, and the file that must be named."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from desunt.record.atomic import sha256_of
from desunt.record.conjecture import Candidate, Refusal
from desunt.record.files import read_record, write_record
from desunt.record.manifest import write_manifest
from tests.support.records import draw_scan

Change = Callable[[Path], None]


def edit(path: Path, old: str, new: str, count: int = 1) -> None:
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new, count).encode())


def rewrite(path: Path, change: Callable[[dict], None]) -> None:
    """Change a JSON file in the style it is written in."""
    content = json.loads(path.read_bytes())
    change(content)
    path.write_bytes((json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())


def token(content: dict, gap_id: str) -> dict:
    document = content.get("document") or {"pages": [content["page"]]}
    tokens = (t for page in document["pages"] for region in page["regions"] for line in region["lines"] for t in line["tokens"])
    return next(t for t in tokens if t["id"] == gap_id)


def guess_in_text(home: Path) -> None:
    edit(home / "outputs/letter/letter.txt", "[ILLEGIBLE]", "quondam")


def guess_in_text_and_manifest(home: Path) -> None:
    guess_in_text(home)
    write_manifest(home / "outputs/letter")


def guess_in_transcript(home: Path) -> None:
    edit(home / "outputs/cable/cable.txt", "[ILLEGIBLE]", "lease")


def word_in_record(home: Path) -> None:
    edit(home / "outputs/letter/record.json", '"agreed"', '"refused"')


def word_in_record_and_manifest(home: Path) -> None:
    word_in_record(home)
    write_manifest(home / "outputs/letter")


def probability_in_conjectures(home: Path) -> None:
    edit(home / "outputs/letter/conjectures.json", "0.62", "0.63")
    write_manifest(home / "outputs/letter")


def another_scan(home: Path) -> None:
    draw_scan(home / "scans/letter.tif", 9)


def label_in_apparatus(home: Path) -> None:
    edit(home / "outputs/letter/letter.apparatus.md", "1. CONJECTURE: `quondam`", "1. `quondam`")
    write_manifest(home / "outputs/letter")


def label_in_html(home: Path) -> None:
    path = home / "outputs/letter/letter.html"
    edit(path, '<span class="label">CONJECTURE:</span> <bdi class="guess">quondam', '<bdi class="guess">quondam')
    write_manifest(home / "outputs/letter")


def candidate_moved_into_text_of_html(home: Path) -> None:
    edit(home / "outputs/letter/letter.html", ">[ILLEGIBLE]</a>", ">quondam</a>")
    write_manifest(home / "outputs/letter")


def label_in_json(home: Path) -> None:
    rewrite(home / "outputs/letter/letter.json", lambda content: content["gaps"][0]["candidates"][0].update(status="READ"))
    write_manifest(home / "outputs/letter")


def candidate_becomes_a_word(home: Path) -> None:
    def change(content: dict) -> None:
        gap = token(content, "g1")
        box = gap["box"]
        gap.clear()
        gap.update(id="g1", text="quondam", box=box, engine="tesseract", engine_confidence=0.9, legibility=0.9, span=None)

    rewrite(home / "outputs/letter/record.json", change)
    write_manifest(home / "outputs/letter")


def candidate_becomes_a_word_everywhere(home: Path) -> None:
    """As above, with the hash in conjectures.json and the text export made to fit."""
    candidate_becomes_a_word(home)
    folder = home / "outputs/letter"
    rewrite(folder / "conjectures.json", lambda content: content.update(record_sha256=sha256_of(folder / "record.json")))
    guess_in_text(home)
    write_manifest(folder)


def page_file(home: Path) -> None:
    edit(home / "outputs/letter/pages/0002.json", "`code`", "`c0de`")


def page_conjectures(home: Path) -> None:
    edit(home / "outputs/letter/pages/0002.conjectures.json", "0.14", "0.13")
    write_manifest(home / "outputs/letter")


def page_gone(home: Path) -> None:
    (home / "outputs/letter/pages/0001.json").unlink()
    write_manifest(home / "outputs/letter")


def page_too_many(home: Path) -> None:
    shutil.copy(home / "outputs/letter/pages/0002.json", home / "outputs/letter/pages/0003.json")
    write_manifest(home / "outputs/letter")


def export_gone(home: Path) -> None:
    (home / "outputs/letter/letter.html").unlink()


def export_of_another(home: Path) -> None:
    shutil.copy(home / "outputs/memo/memo.html", home / "outputs/letter/letter.html")
    write_manifest(home / "outputs/letter")


def text_of_another(home: Path) -> None:
    shutil.copy(home / "outputs/cable/cable.txt", home / "outputs/letter/letter.txt")
    write_manifest(home / "outputs/letter")


def reading_of_withheld(home: Path) -> None:
    rewrite(home / "outputs/letter/record.json", lambda content: token(content, "g2").update(engine_reading="secret"))


def candidates_for_withheld(home: Path) -> None:
    folder = home / "outputs/letter"
    record = read_record(folder)
    opinions = {**record.opinions, "g2": Refusal("g2", "withheld", (Candidate("secret", 0.5),), 0.5)}
    write_record(replace(record, opinions=opinions), folder)
    write_manifest(folder)


def opinion_without_a_gap(home: Path) -> None:
    folder = home / "outputs/letter"
    record = read_record(folder)
    write_record(replace(record, opinions={**record.opinions, "nowhere": Refusal("nowhere", "why not")}), folder)
    write_manifest(folder)


def opinion_about_another_gap(home: Path) -> None:
    rewrite(home / "outputs/letter/conjectures.json", lambda content: content["opinions"]["g1"].update(gap_id="g5"))


def extra_text(home: Path) -> None:
    (home / "outputs/letter/reading.txt").write_text("Strictly quondam")


def extra_text_with_manifest(home: Path) -> None:
    extra_text(home)
    write_manifest(home / "outputs/letter")


def text_among_the_pages(home: Path) -> None:
    (home / "outputs/letter/pages/0001.TXT").write_text("Strictly quondam")


def hash_in_manifest(home: Path) -> None:
    rewrite(home / "outputs/letter/manifest.json", lambda content: content["files"].update({"letter.txt": "0" * 64}))


def manifest_cut_off(home: Path) -> None:
    path = home / "outputs/letter/manifest.json"
    path.write_bytes(path.read_bytes()[:100])


def manifest_points_outside(home: Path) -> None:
    rewrite(home / "outputs/letter/manifest.json", lambda content: content["files"].update({"../memo/memo.txt": "0" * 64}))


def smuggled_key(home: Path) -> None:
    folder = home / "outputs/letter"
    rewrite(folder / "record.json", lambda content: token(content, "g1").update(text="quondam"))
    rewrite(folder / "conjectures.json", lambda content: content.update(record_sha256=sha256_of(folder / "record.json")))
    write_manifest(folder)


def picture_in_html(home: Path) -> None:
    folder, other = home / "outputs/letter", home / "outputs/memo"
    ours, theirs = ((place / f"{place.name}.html").read_text() for place in (folder, other))
    picture = 'href="data:image/jpeg;base64,'
    (folder / "letter.html").write_text(ours.replace(ours.split(picture)[1].split('"')[0], theirs.split(picture)[1].split('"')[0]))
    write_manifest(folder)


def word_painted_into_picture(home: Path) -> None:
    from PIL import Image, ImageDraw

    path = home / "outputs/letter/letter.html"
    mark = "data:image/jpeg;base64,"
    old = path.read_text().split(mark)[1].split('"')[0]
    picture = Image.open(io.BytesIO(base64.b64decode(old)))
    ImageDraw.Draw(picture).text((60, 120), "quondam", fill=120)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    edit(path, mark + old, mark + base64.b64encode(buffer.getvalue()).decode())
    write_manifest(path.parent)


def hidden_paragraph_in_html(home: Path) -> None:
    edit(home / "outputs/letter/letter.html", "</main>", "<p>The page says quondam.</p></main>")
    write_manifest(home / "outputs/letter")


def transcript_in_record(home: Path) -> None:
    edit(home / "outputs/cable/record.json", "ASKED FOR", "ASKED NO")


def record_gone(home: Path) -> None:
    (home / "outputs/letter/record.json").unlink()


def same_gap_twice(home: Path) -> None:
    rewrite(home / "outputs/letter/record.json", lambda content: token(content, "g3").update(id="g1"))


TAMPERINGS: list[tuple[Change, str]] = [
    (guess_in_text, "letter/letter.txt"),
    (guess_in_text_and_manifest, "letter/letter.txt"),
    (guess_in_transcript, "cable/cable.txt"),
    (word_in_record, "letter/record.json"),
    (word_in_record_and_manifest, "letter/record.json"),
    (probability_in_conjectures, "conjectures.json"),
    (another_scan, "scans/letter.tif"),
    (label_in_apparatus, "letter/letter.apparatus.md"),
    (label_in_html, "letter/letter.html"),
    (candidate_moved_into_text_of_html, "letter/letter.html"),
    (label_in_json, "letter/letter.json"),
    (candidate_becomes_a_word, "letter/record.json"),
    (candidate_becomes_a_word_everywhere, "letter/conjectures.json"),
    (page_file, "letter/pages/0002.json"),
    (page_conjectures, "letter/pages/0002.conjectures.json"),
    (page_gone, "letter/pages/0001.json"),
    (page_too_many, "letter/pages/0003.json"),
    (export_gone, "letter/letter.html"),
    (export_of_another, "letter/letter.html"),
    (text_of_another, "letter/letter.txt"),
    (reading_of_withheld, "letter/record.json"),
    (candidates_for_withheld, "letter/conjectures.json"),
    (opinion_without_a_gap, "letter/conjectures.json"),
    (opinion_about_another_gap, "letter/conjectures.json"),
    (extra_text, "letter/reading.txt"),
    (extra_text_with_manifest, "letter/reading.txt"),
    (text_among_the_pages, "letter/pages/0001.TXT"),
    (hash_in_manifest, "letter/manifest.json"),
    (manifest_cut_off, "letter/manifest.json"),
    (manifest_points_outside, "letter/../memo/memo.txt"),
    (smuggled_key, "letter/record.json"),
    (picture_in_html, "letter/letter.html"),
    (word_painted_into_picture, "letter/letter.html"),
    (hidden_paragraph_in_html, "letter/letter.html"),
    (transcript_in_record, "cable/record.json"),
    (record_gone, "letter/record.json"),
    (same_gap_twice, "letter/record.json"),
]

# Of these no other file than the one that was changed may be accused.
ALONE: tuple[Change, ...] = (guess_in_text, page_file, hash_in_manifest, extra_text, label_in_html, picture_in_html, another_scan)
