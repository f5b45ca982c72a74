"""A small collection for the tests of the desk: typed pages drawn with blots, read by Tesseract, their gaps asked of a trigram model."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from desunt.lm.lexicon import load_lexicon
from desunt.lm.ngram import NgramModel
from desunt.record.atomic import sha256_of
from desunt.record.conjecture import Opinion
from desunt.record.document import Document
from desunt.record.files import Record, write_record
from desunt.restore import GapQuery, restore
from desunt.run.workflow import PageTask, read_page
from desunt.settings import Settings
from desunt.transcript import gap_contexts
from tests.support.rendered_pages import TEXT, typed_page

SECOND = """The committee met again in London during
the week. It was agreed that the railroad
would remain under the control of both
governments. The Ambassador said that the
treaty had been signed by the minister and
that the question of the port was settled.
He asked for a report on the price of wheat
and on the number of people who were expected
at the conference. The letter was received
by the office, and the president spoke with
both sides before the end of the month."""
# A worn typewriter: some letters stand for others, so that the engine reads words that are none.
WORN = """Tqe question of tqe port was not settled
in London. Tqe Ambassador was told that tqe
government would answer before tqe end of
tqe month, and that tqe trcaty had bccn sjgned
by tqe minjster and tqe prcsjdent."""
# Words of each page, by their number in reading order, over which ink was spilled.
SPILLED = {
    "first": (1, 9, 12, 16, 20, 24, 30, 35, 41, 46, 52, 58, 64),
    "second": (1, 8, 12, 17, 22, 25, 28, 33, 36, 39, 44, 47, 50, 56, 62, 65, 68, 71),
    "worn": (),
}
TEXTS = {"first": TEXT, "second": SECOND, "worn": WORN}
# How far blots stray up and down, and their sizes: on the first page nothing is read through them, on the second some letters are.
BLOTS = {"first": (7, 12, 26), "second": (5, 17, 28), "worn": (0, 1, 1)}


@dataclass(frozen=True)
class Drawn:
    """A drawn page: where it lies, and what stands under each blot."""

    path: Path
    lost: tuple[str, ...]


def draw_page(name: str, folder: Path) -> Drawn:
    """Draw a typed page with cloudy blots: a smooth black bar would be a redaction."""
    pixels, places = typed_page(TEXTS[name], 30)
    image = Image.fromarray(np.minimum(pixels, 245))
    pen, chance, (stray, least, most) = ImageDraw.Draw(image), random.Random(name), BLOTS[name]
    for number in SPILLED[name]:
        left, top, right, bottom = places[number][1]
        for x in range(round(left) + 8, round(right) - 4, 9):
            y, r = (top + bottom) / 2 + chance.randint(-stray, stray), chance.randint(least, most)
            pen.ellipse((x - r / 2, y - r, x + r / 2, y + r), fill=chance.randint(55, 95))
    path = folder / f"{name}.png"
    image.save(path, dpi=(300, 300))
    return Drawn(path, tuple(places[number][0] for number in SPILLED[name]))


@cache
def model() -> NgramModel:
    """Return a trigram model of the two pages and nothing else: real code, little knowledge."""
    return NgramModel.train([TEXT, SECOND], min_count={2: 1, 3: 1, 4: 1})


def read_drawn(drawn: Drawn, *, read: float | None = None) -> Record:
    """Read a drawn page as a run does, but with the trigram model."""
    # The first engine alone: what the second reads through the blots would leave the desk without gaps.
    settings, name = Settings(read=read, second="none"), drawn.path.name
    page, steps = read_page(PageTask(drawn.path, name, 1, sha256_of(drawn.path), "key", settings))
    document = Document(name, str(drawn.path), (("title", f"The {drawn.path.stem} letter"),), (page,))
    return Record(document, opinions_of(document), steps)


def opinions_of(document: Document) -> dict[str, Opinion]:
    """Ask the trigram model for every gap."""
    contexts = gap_contexts(document)
    queries = [GapQuery(gap, *contexts[gap.id]) for gap in document.gaps]
    return {opinion.gap_id: opinion for opinion in restore(queries, model(), lexicon=load_lexicon(None), names=frozenset(), limit=12)}


def make_collection(folder: Path) -> Path:
    """Draw, read and write the pages; return the outputs folder."""
    for name in TEXTS:
        write_record(read_drawn(draw_page(name, folder)), folder / "outputs" / name)
    return folder / "outputs"
