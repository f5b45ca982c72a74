"""Type the Harriman cable on two sheets, let them age, and scan them: the sample scans of this folder.

Everything is drawn from the published transcript (`cable.py`) and a fixed seed: a run on one machine gives the same pixels again. What
stood under the four marks `[ILLEGIBLE]` nobody knows: shapes of no word are typed there and blotted out.

    python -m tools.make_samples [--out FOLDER]

Lengths are in pixels at 300 dpi, origin top left; tones are 0-1, black to white; an ink layer is 0-1, bare paper to full ink.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tools.cable import FOOTER, LEADING, LEFT, PITCH, SEED, TOP, UNKNOWN, Rows, Spot, ground_truth, plan

Layer: TypeAlias = NDArray[np.float32]

NAME = "harriman-cable-1945-07-03"
FONT = "GNUTypewriter.ttf"
DPI, TIFF_DESCRIPTION = 300, 270
WIDTH, HEIGHT = 2550, 3300
SKEW = (0.6, -0.9)  # degrees, counter-clockwise, by page


def smooth_noise(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> Layer:
    """Return noise of mean 0 and deviation 1 whose blotches are about `scale` pixels wide."""
    small = tuple(max(2, int(np.ceil(side / scale)) + 1) for side in shape)
    coarse = rng.standard_normal(small).astype(np.float32)
    fine = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray((fine - fine.mean()) / fine.std(), np.float32)


class Typewriter:
    """A worn machine: every type has its own tilt, height and clogging, every stroke its own force."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._font = ImageFont.truetype(FONT, 100)
        self._font = ImageFont.truetype(FONT, round(100 * PITCH / self._font.getlength("n")))
        self._rng = rng
        self._habits: dict[str, tuple[float, ...]] = {}

    def strike(self, letter: str) -> Layer:
        """Return one stroke as an ink layer of 80 x 60; the letter's cell begins at (15, 0), its baseline is at 56."""
        if letter not in self._habits:
            self._habits[letter] = tuple(self._rng.normal(0, (0.7, 1.1, 0.6, 0.05)))
        across, up, tilt, clogging = self._habits[letter]
        tile = Image.new("L", (60, 80))
        ImageDraw.Draw(tile).text((15, 56), letter, fill=255, font=self._font, anchor="ls")
        dx, dy, turn, weight = self._rng.normal((across, up, tilt, clogging), (0.6, 0.6, 0.5, 0.05))
        move = cv2.getRotationMatrix2D((30, 40), turn, 1.0)
        move[:, 2] += (dx, dy)
        moved = cv2.warpAffine(np.asarray(tile, np.float32) / 255, move, (60, 80), flags=cv2.INTER_CUBIC)
        spread = cv2.GaussianBlur(moved, (0, 0), 1.3)
        force = np.clip(self._rng.normal(0.88, 0.08), 0.62, 1.0)
        lean = 1 + self._rng.normal(0, 0.10) * np.linspace(-1, 1, 80)[:, None] + self._rng.normal(0, 0.08) * np.linspace(-1, 1, 60)
        return np.asarray(np.clip((spread - 0.36 + weight) * 3.2, 0, 1) * force * np.clip(lean, 0.6, 1.1), np.float32).clip(0, 1)

    def type_rows(self, rows: Iterable[str]) -> Layer:
        """Return a whole sheet's ink."""
        ink = np.zeros((HEIGHT, WIDTH), np.float32)
        for row, text in enumerate(rows, 1):
            for column, letter in enumerate(text):
                if letter == " ":
                    continue
                shown = chr(self._rng.integers(97, 123)) if letter == UNKNOWN else letter
                top, left = TOP + row * LEADING - 56, LEFT + column * PITCH - 15
                cell = ink[top : top + 80, left : left + 60]
                np.maximum(cell, self.strike(shown), out=cell)
        ribbon = np.clip(
            0.93 + 0.07 * smooth_noise((HEIGHT, WIDTH), 2.5, self._rng) + 0.05 * smooth_noise((HEIGHT, WIDTH), 300, self._rng), 0.5, 1
        )
        return np.asarray(ink * ribbon, np.float32)


def paper(height: int, width: int, rng: np.random.Generator) -> Layer:
    """Return a sheet of old cheap paper: clouds, fibres, toned edges, a fold across the middle."""
    tone = 0.845 + 0.012 * smooth_noise((height, width), 400, rng) + 0.008 * smooth_noise((height, width), 40, rng)
    tone += 0.006 * smooth_noise((height, width), 4, rng)
    for _ in range(height * width // 12_000):
        x, y, angle = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0, np.pi)
        end = (int(x + 22 * np.cos(angle)), int(y + 22 * np.sin(angle)))
        cv2.line(tone, (int(x), int(y)), end, float(rng.uniform(0.77, 0.90)), 1, cv2.LINE_AA)
    across, down = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    edge = np.minimum(np.minimum(across, width - across), np.minimum(down, height - down)[:, None])
    tone -= 0.10 * np.exp(-edge / 90)
    fold = height / 2 + 6 * smooth_noise((2, width), 300, rng)[0]
    away = down[:, None] - fold[None]
    crease = 0.06 * np.exp(-((away / 3) ** 2)) - 0.02 * np.exp(-(((away - 8) / 6) ** 2))
    return np.asarray(cv2.GaussianBlur(tone, (0, 0), 0.9) - crease, np.float32)


def blot_cover(box: tuple[int, int, int, int], rng: np.random.Generator) -> tuple[Layer, Layer]:
    """Return how far a blot covers the page (HEIGHT, WIDTH), 1 everywhere on the letters, and its own tone.

    Ink that ran and dried: a lumpy outline, a dark rim, a washed-out middle; a censor's bar would have straight edges and one tone. It
    reaches 21 pixels beyond the box at its sides, less than a blank, and up to the next rows' letters above and below.
    """
    left, top, right, bottom = box
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    beyond = 1.45 * np.maximum(np.maximum(left + 22 - across, across - (right - 22)), 0)
    distance = (beyond**4 + (down - (top + bottom) / 2) ** 4) ** 0.25
    radius = np.clip(46 + 10 * smooth_noise((HEIGHT, WIDTH), 60, rng) + 1.5 * smooth_noise((HEIGHT, WIDTH), 8, rng), 37, 62)
    inward = radius - distance
    feather = np.clip(4 + 2 * smooth_noise((HEIGHT, WIDTH), 60, rng), 1.5, 8)
    rim = np.exp(-np.clip(inward, 0, None) / 5)
    washed = 0.37 + 0.07 * smooth_noise((HEIGHT, WIDTH), 110, rng) + 0.02 * smooth_noise((HEIGHT, WIDTH), 24, rng)
    cover = np.asarray(np.clip(inward / feather, 0, 1), np.float32)
    cover[top:bottom, left:right] = 1
    return cover, np.asarray(np.clip(washed, 0.22, 0.60) - 0.14 * rim, np.float32)


def faded(ink: Layer, box: tuple[int, int, int, int], rng: np.random.Generator) -> Layer:
    """Return the ink with a place where the ribbon hardly printed: a breath of grey in specks, no letter."""
    left, top, right, bottom = box
    bleached = ink.copy()
    specks = smooth_noise((bottom - top, right - left), 3, rng) > 1.6
    place = bleached[top:bottom, left:right]
    place[:] = cv2.GaussianBlur(place, (0, 0), 9) * 0.24 + specks * place * 0.14
    return bleached


def tide_mark(spots: list[Spot], rng: np.random.Generator) -> Layer:
    """Return the darkening (HEIGHT, WIDTH) of water that dried round the places nobody can read: its edge is a brown line."""
    unknown = [spot.box for spot in spots if spot.word is None]
    if not unknown:
        return np.zeros((HEIGHT, WIDTH), np.float32)
    left, top = min(b[0] for b in unknown) + 200, min(b[1] for b in unknown)
    right, bottom = max(b[2] for b in unknown), max(b[3] for b in unknown)
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    radius = np.hypot((across - (left + right) / 2) / ((right - left) / 1.6), (down - (top + bottom) / 2) / ((bottom - top) / 1.3))
    spill = np.zeros((HEIGHT, WIDTH), np.uint8)
    for box in unknown:
        spill[box[1] - 24 : box[3] + 24, box[0] + 40 : box[2] + 20] = 1
    wash = cv2.GaussianBlur(spill.astype(np.float32), (0, 0), 16) * (0.14 + 0.03 * smooth_noise((HEIGHT, WIDTH), 50, rng))
    inward = (1 + 0.06 * smooth_noise((HEIGHT, WIDTH), 160, rng) + 0.02 * smooth_noise((HEIGHT, WIDTH), 40, rng) - radius) * 400
    return np.asarray(wash + np.where(inward > 0, 0.035 + 0.10 * np.exp(-np.abs(inward) / 10), 0), np.float32)


def sheet(rows: Rows, spots: list[Spot], rng: np.random.Generator) -> Layer:
    """Return one typed, aged, straight sheet."""
    ink = Typewriter(rng).type_rows(rows)
    for spot in (spot for spot in spots if spot.damage == "fade"):
        ink = faded(ink, spot.box, rng)
    tone = paper(HEIGHT, WIDTH, rng) - tide_mark(spots, rng)
    tone = tone * (1 - ink) + 0.20 * ink
    for spot in (spot for spot in spots if spot.damage == "blot"):
        cover, blot = blot_cover(spot.box, rng)
        tone = tone * (1 - cover) + blot * cover
    return tone


def skew_matrix(degrees: float) -> NDArray[np.float64]:
    """Return the 2 x 3 matrix from the straight sheet to the scan: turned, and a little smaller than the scanner's bed."""
    return np.asarray(cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), degrees, 0.985), np.float64)


def scanned(tone: Layer, degrees: float, rng: np.random.Generator) -> Image.Image:
    """Lay the sheet askew on a dark bed, scan it with a soft lens and a grainy sensor, and print the footer line."""
    matrix = skew_matrix(degrees)
    lying = cv2.warpAffine(tone, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderValue=-1.0)
    bed = lying < 0
    shadow = cv2.GaussianBlur(bed.astype(np.float32), (0, 0), 9) * ~bed
    seen = np.where(bed, 0.16 + 0.01 * smooth_noise((HEIGHT, WIDTH), 60, rng), lying - 0.25 * shadow)
    seen = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), 1.0) * np.linspace(1.02, 0.97, WIDTH, dtype=np.float32)
    grain = 0.014 * rng.standard_normal((HEIGHT, WIDTH)) * np.where(bed, 0.4, 1.0)
    image = Image.fromarray((np.clip(seen + grain, 0, 1) * 255).round().astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.rectangle((600, HEIGHT - 62, WIDTH - 600, HEIGHT - 12), fill=235)
    draw.text((WIDTH // 2, HEIGHT - 37), FOOTER, fill=40, font=ImageFont.load_default(32), anchor="mm")
    return image


def scan_box(spot: Spot) -> list[int]:
    """Return the place of a spot on the scan: left, top, right, bottom."""
    left, top, right, bottom = spot.box
    corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]], np.float64)
    moved = cv2.transform(corners[None], skew_matrix(SKEW[spot.page - 1]))[0]
    return [int(v) for v in (*np.floor(moved.min(axis=0)), *np.ceil(moved.max(axis=0)))]


def make_pages(transcript: str) -> list[Image.Image]:
    """Return both scans, grey, 2550 x 3300."""
    pages, spots = plan(transcript)
    images = []
    for number, rows in enumerate(pages, 1):
        rng = np.random.default_rng((SEED, number))
        here = [spot for spot in spots if spot.page == number]
        images.append(scanned(sheet(rows, here, rng), SKEW[number - 1], rng))
    return images


def main() -> None:
    here = Path(__file__).resolve().parents[1] / "scans"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=here, help="folder for the scans (this one)")
    out = parser.parse_args().out
    transcript = (here / f"{NAME}.txt").read_text(encoding="utf-8")
    first, second = make_pages(transcript)
    options: dict[str, Any] = {"compression": "jpeg", "quality": 70, "dpi": (DPI, DPI), "tiffinfo": {TIFF_DESCRIPTION: FOOTER}}
    first.save(out / f"{NAME}.tif", save_all=True, append_images=[second], **options)
    pages, spots = plan(transcript)
    lost = [json.dumps({**asdict(spot), "box": scan_box(spot)}) for spot in spots]
    (out / f"{NAME}.lost.json").write_text("[\n" + ",\n".join(lost) + "\n]\n", encoding="utf-8")
    (out / f"{NAME}.gt.txt").write_text(ground_truth(pages, spots), encoding="utf-8")


if __name__ == "__main__":
    main()
