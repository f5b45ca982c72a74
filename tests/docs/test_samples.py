"""The sample scans are what their README says, and can be made again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFont
from tools import make_samples

from desunt.evaluate.error_rates import line_cer, pooled, strip_punctuation, word_score
from desunt.evaluate.ground_truth import GroundTruth, read_ground_truth
from desunt.evaluate.ocr.measure import OcrOutput, plain_tesseract
from desunt.record.document import Box

NAME = "harriman-cable-1945-07-03"


@pytest.fixture(scope="module")
def scans(root: Path) -> Path:
    return root / "scans"


@pytest.fixture(scope="module")
def typewriter() -> ModuleType:
    try:
        ImageFont.truetype(make_samples.FONT, 20)
    except OSError:
        pytest.skip(f"{make_samples.FONT} is not installed: apt-get install fonts-gnutypewriter")
    return make_samples


@pytest.fixture(scope="module")
def lost(scans: Path) -> list[dict[str, Any]]:
    places: list[dict[str, Any]] = json.loads((scans / f"{NAME}.lost.json").read_text(encoding="utf-8"))
    return places


@pytest.fixture(scope="module")
def frames(scans: Path) -> list[Image.Image]:
    with Image.open(scans / f"{NAME}.tif") as scan:
        pages = []
        for frame in range(scan.n_frames):
            scan.seek(frame)
            pages.append(scan.convert("L"))
    return pages


def test_the_scan_has_two_pages_of_letter_paper_at_300_dpi(scans: Path) -> None:
    path = scans / f"{NAME}.tif"
    assert path.stat().st_size <= 2_500_000
    with Image.open(path) as scan:
        assert scan.n_frames == 2
        for frame in range(2):
            scan.seek(frame)
            assert scan.size == (2550, 3300)
            assert scan.mode == "L"
            assert tuple(map(float, scan.info["dpi"])) == (300.0, 300.0)
            assert "not an archival scan" in scan.tag_v2[270]


def test_the_readme_names_every_lost_word_and_says_what_this_is(scans: Path, lost: list[dict[str, Any]]) -> None:
    readme = (scans / "README.md").read_text(encoding="utf-8")
    words = [place for place in lost if place["word"]]
    assert len(words) == 6
    for place in words:
        assert f"| {place['page']} | {place['row']} | {place['word']} |" in readme
    assert "not an archival" in readme
    assert "made by desunt from the published transcript" in readme


def test_four_places_are_unknown_and_nothing_is_claimed_for_them(lost: list[dict[str, Any]]) -> None:
    unknown = [place for place in lost if place["word"] is None]
    assert len(unknown) == 4
    assert {place["damage"] for place in unknown} == {"blot"}


def test_the_plan_gives_the_committed_places_and_ground_truth_again(scans: Path, lost: list[dict[str, Any]]) -> None:
    pages, spots = make_samples.plan((scans / f"{NAME}.txt").read_text(encoding="utf-8"))
    assert [(spot.page, spot.row, spot.word, make_samples.scan_box(spot)) for spot in spots] == [
        (place["page"], place["row"], place["word"], place["box"]) for place in lost
    ]
    assert make_samples.ground_truth(pages, spots) == (scans / f"{NAME}.gt.txt").read_text(encoding="utf-8")


def test_the_pages_carry_the_transcript_without_glosses(scans: Path) -> None:
    transcript = (scans / f"{NAME}.txt").read_text(encoding="utf-8")
    pages, _ = make_samples.plan(transcript)
    typed = " ".join(" ".join(row for page in pages for row in page if row != "- 2 -".center(62).rstrip()).split())
    assert "[" not in typed
    assert "port of Darien, Stalin interpreted" in typed
    source = transcript.split("Transcript - English")[1]
    for mark in ("... [ILLEGIBLE]", "[Dalian]", "[Lüshunkou District, Dalian]"):
        source = source.replace(mark, "")
    kept = typed.replace(make_samples.UNKNOWN, "")
    assert kept.replace(" ", "") == "".join(source.split())


def test_the_same_seed_gives_the_same_pixels(typewriter: ModuleType) -> None:
    def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        machine = typewriter.Typewriter(rng)
        return np.stack([machine.strike(letter) for letter in "Dalien"]), typewriter.paper(200, 300, rng)

    first, second, other = draw(1), draw(1), draw(2)
    assert all(np.array_equal(one, two) for one, two in zip(first, second, strict=True))
    assert not any(np.array_equal(one, two) for one, two in zip(first, other, strict=True))
    assert first[0].min() == 0
    assert first[0].max() > 0.6


def test_a_blot_covers_every_letter_and_spares_the_next_words() -> None:
    box = (600, 500, 900, 556)
    cover, _ = make_samples.blot_cover(box, np.random.default_rng(5))
    assert cover[500:556, 600:900].min() == 1
    assert cover[:, : 600 - 25].max() == 0
    assert cover[:, 900 + 25 :].max() == 0
    assert cover[556 + 40 :].max() == 0


def test_blots_are_dark_and_faded_words_pale_on_the_committed_scan(frames: list[Image.Image], lost: list[dict[str, Any]]) -> None:
    for place in lost:
        tones = np.asarray(frames[place["page"] - 1].crop(tuple(place["box"])))
        core = tones[len(tones) // 4 : -len(tones) // 4]
        if place["damage"] == "blot":
            assert np.percentile(core, 99) < 175, place
        else:
            assert np.percentile(core, 1) > 120, place


@pytest.fixture(scope="module")
def outputs(frames: list[Image.Image], tmp_path_factory: pytest.TempPathFactory) -> list[OcrOutput]:
    if shutil.which("tesseract") is None:
        pytest.skip("Tesseract is not installed: apt-get install tesseract-ocr tesseract-ocr-eng")
    folder = tmp_path_factory.mktemp("frames")
    paths = [folder / f"{number}.png" for number in range(len(frames))]
    for frame, path in zip(frames, paths, strict=True):
        frame.save(path, dpi=(300, 300))
    return [plain_tesseract(path) for path in paths]


def test_what_is_not_lost_reads_better_than_97_percent(scans: Path, outputs: list[OcrOutput]) -> None:
    truth = read_ground_truth(scans / f"{NAME}.gt.txt")
    break_ = next(index for index, line in enumerate(truth.lines) if line.kind == "stamp") + 1
    pages = [GroundTruth(lines, truth.source) for lines in (truth.lines[:break_], truth.lines[break_:])]
    error = pooled(line_cer(page, output.text) for page, output in zip(pages, outputs, strict=True)).value
    recall = pooled(word_score(page, output.text).recall for page, output in zip(pages, outputs, strict=True)).value
    assert error is not None
    assert recall is not None
    assert error < 0.03
    assert recall > 0.95


def test_no_lost_word_can_be_read(outputs: list[OcrOutput], lost: list[dict[str, Any]]) -> None:
    for place in lost:
        box = Box(*place["box"])
        words = outputs[place["page"] - 1].words or ()
        inside = [text for text, where in words if where.intersection(box) > where.area / 2]
        assert strip_punctuation(place["word"] or "") not in [strip_punctuation(text) for text in inside] or not place["word"]
        # Noise may be read in a blot, but no run of words where the transcript says nothing can be read.
        assert place["word"] or sum(len(strip_punctuation(text)) > 3 for text in inside) <= 1, inside
