"""Which words of an engine's output are right: the output aligned with a transcript of the page.

Two kinds of ground truth are read beside `page.png`: `page.lines.json` (a list of `{"text", "bbox": [x, y, width, height]}`; words
that lie in no line box are left out, because letterheads and stamps are often not transcribed) and else `page.gt.txt`, complete,
whose marks are `⟦?⟧` lost, `⟦~⟧` after an unsure word, `⟦REDACTED⟧`, `⟦HAND: text⟧`, `⟦STAMP: text⟧`, `⟦FORM⟧ text`.

`desunt.labels` serves `desunt evaluate`, and leaves words unscored that stand for no line of the transcript; here noise that was
read as words must count as misread, because the model has to learn it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Indel

from desunt.lm.lexicon import bare
from desunt.ocr.engines import EngineWord, Reading
from desunt.record.document import Box

LEAST_ALIKE = 0.4
MARKS = re.compile(r"⟦(?:HAND|STAMP|STRUCK): (.*)⟧$|⟦FORM⟧ ?|⟦HAND⟧|⟦STAMP⟧")
FOLDED = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"})


@dataclass(frozen=True, slots=True)
class Truth:
    """One word of the transcript; `known` is False where the transcriber was not sure."""

    text: str
    known: bool = True


def folded(word: str) -> str:
    """Return the form in which words are compared: no outer punctuation, straight quotes, case kept.

    A mark of punctuation alone stays, so that a real dash is right and noise read as one is wrong.
    """
    plain = unicodedata.normalize("NFC", word).translate(FOLDED)
    return bare(plain) or plain


def truths(text: str) -> list[Truth]:
    """Return the words of a transcript with marks."""
    found = []
    for line in text.splitlines():
        plain = MARKS.sub(lambda match: match[1] or "", line.strip()).replace("⟦?⟧", "\ufffd")
        found += [
            Truth(folded(word.replace("⟦~⟧", "")), not ("⟦~⟧" in word or "\ufffd" in word)) for word in plain.split() if word != "⟦~⟧"
        ]
    return [truth for truth in found if truth.text]


def align(words: list[str], wanted: list[str]) -> dict[int, int]:
    """Return the pairs (word, wanted word) of the alignment with the greatest sum of likenesses; both orders are kept."""
    if not words or not wanted:
        return {}
    alike = process.cdist(words, wanted, scorer=Indel.normalized_similarity, dtype=np.float32).astype(np.float64)
    # Identical words first: a near likeness must not take the place of the word itself.
    gain = np.where(alike >= LEAST_ALIKE, alike + (alike == 1.0), -np.inf)
    best = np.zeros((len(words) + 1, len(wanted) + 1))
    for i in range(len(words)):
        paired = np.maximum(best[i, :-1] + gain[i], best[i, 1:])
        best[i + 1, 1:] = np.maximum.accumulate(paired)
    pairs: dict[int, int] = {}
    i, j = len(words), len(wanted)
    while i and j:
        if best[i, j] == best[i, j - 1]:
            j -= 1
        elif best[i, j] == best[i - 1, j]:
            i -= 1
        else:
            i, j = i - 1, j - 1
            pairs[i] = j
    return pairs


def judge(words: list[str], wanted: list[Truth], passes: int = 3) -> list[bool | None]:
    """Return for each word whether it is right; None where the transcript does not tell.

    What the first alignment leaves over is aligned again, because engines order stamps and margins in their own way.
    """
    verdicts: list[bool | None] = [False] * len(words)
    left, right = list(range(len(words))), list(range(len(wanted)))
    for _ in range(passes):
        pairs = align([folded(words[i]) for i in left], [wanted[j].text for j in right])
        for i, j in pairs.items():
            truth, same = wanted[right[j]], folded(words[left[i]]) == wanted[right[j]].text
            verdicts[left[i]] = True if same else (False if truth.known else None)
        left = [i for place, i in enumerate(left) if place not in pairs]
        right = [j for place, j in enumerate(right) if place not in set(pairs.values())]
    return verdicts


def labels(reading: Reading, scan: Path) -> list[bool | None]:
    """Return for each word of the reading whether it is right, None for words the ground truth beside the scan says nothing about."""
    boxes = scan.with_suffix(".lines.json")
    if not boxes.exists():
        text = transcript_of(scan)
        assert text is not None, f"no ground truth beside {scan}"
        return judge([word.text for word in reading.words], truths(text.read_text(encoding="utf-8")))
    lines = [line for line in json.loads(boxes.read_text(encoding="utf-8")) if line["text"].strip()]
    return _labels_by_line(reading, lines)


def transcript_of(scan: Path) -> Path | None:
    """Return the transcript beside the scan, None if there is none."""
    return next((path for suffix in (".gt.txt", ".gold.txt", ".txt") if (path := scan.with_suffix(suffix)).exists()), None)


def _labels_by_line(reading: Reading, lines: list[dict[str, object]]) -> list[bool | None]:
    places = [_box(line["bbox"]) for line in lines]  # type: ignore[arg-type]
    wanted = [truths(str(line["text"])) for line in lines]
    homes = [_home(word.box, places) for word in reading.words]
    verdicts: list[bool | None] = [None] * len(homes)
    spare: list[list[str]] = []
    for number in range(len(lines)):
        inside = sorted((i for i, home in enumerate(homes) if home == number), key=lambda i: reading.words[i].box.left)
        judged = judge([reading.words[i].text for i in inside], wanted[number], passes=1)
        for i, verdict in zip(inside, judged, strict=True):
            verdicts[i] = verdict
        right = Counter(folded(reading.words[i].text) for i in inside if verdicts[i])
        spare.append(list((Counter(truth.text for truth in wanted[number]) - right).elements()))
    return [_elsewhere(word, places, spare) if verdict is False else verdict for word, verdict in zip(reading.words, verdicts, strict=True)]


def _elsewhere(word: EngineWord, places: list[Box], spare: list[list[str]]) -> bool:
    """Return whether the word belongs to another line that its box touches: boxes of slanting lines overlap."""
    for place, left in zip(places, spare, strict=True):
        if word.box.intersection(place) and folded(word.text) in left:
            left.remove(folded(word.text))
            return True
    return False


def _box(bbox: list[float]) -> Box:
    left, top, width, height = bbox
    return Box(round(left), round(top), round(left + max(1, width)), round(top + max(1, height)))


def _home(box: Box, places: list[Box]) -> int | None:
    """Return the line whose middle lies nearest among those that cover half of the word, None if none does."""
    covering = [i for i, place in enumerate(places) if box.intersection(place) >= 0.5 * box.area]
    middle = box.top + box.bottom
    return min(covering, key=lambda i: abs(places[i].top + places[i].bottom - middle), default=None)
