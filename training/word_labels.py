"""Which words of an engine's output are right: the output aligned with a transcript of the page.

Two kinds of ground truth are read beside `page.png`: `page.lines.json` (a list of `{"text", "bbox": [x, y, width, height]}`; words
that lie in no line box are left out, because letterheads and stamps are often not transcribed) and else `page.gt.txt`, complete,
whose marks are `⟦?⟧` lost, `⟦~⟧` after an unsure word, `⟦REDACTED⟧`, `⟦HAND: text⟧`, `⟦STAMP: text⟧`, `⟦FORM⟧ text`.

`desunt.evaluate.labels` leaves words unscored that stand for no line of the transcript; here noise that was read as words must count as
misread, because the model has to learn it, and its words are paired by likeness, wherever they stand.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Indel

from desunt.lm.lexicon import strip_punctuation
from desunt.ocr.engines import EngineWord, OcrResult
from desunt.record.document import Box

# Whether each word is right; None where the ground truth is silent.
Verdicts: TypeAlias = list[bool | None]

MIN_SIMILARITY = 0.4
# Share of a word's box that a line covers in which it stands.
MIN_COVERED_SHARE = 0.5
ALIGNMENT_PASSES = 3
MARKS = re.compile(r"⟦(?:HAND|STAMP|STRUCK): (.*)⟧$|⟦FORM⟧ ?|⟦HAND⟧|⟦STAMP⟧")
PLAIN_MARKS = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"})


@dataclass(frozen=True, slots=True)
class TranscriptWord:
    """One word of the transcript, as words are compared; `is_sure` is False where the transcriber was not."""

    key: str
    is_sure: bool = True


def word_key(word: str) -> str:
    """Return the form in which words are compared: no outer punctuation, straight quotes, case kept.

    A mark of punctuation alone stays, so that a real dash is right and noise read as one is wrong.
    """
    plain = unicodedata.normalize("NFC", word).translate(PLAIN_MARKS)
    return strip_punctuation(plain) or plain


def parse_transcript(text: str) -> list[TranscriptWord]:
    """Return the words of a transcript with marks."""
    words = []
    for line in text.splitlines():
        plain = MARKS.sub(lambda match: match[1] or "", line.strip()).replace("⟦?⟧", "\ufffd")
        words += [
            TranscriptWord(word_key(word.replace("⟦~⟧", "")), not ("⟦~⟧" in word or "\ufffd" in word))
            for word in plain.split()
            if word != "⟦~⟧"
        ]
    return [word for word in words if word.key]


def align(words: list[str], transcript: list[str]) -> dict[int, int]:
    """Return the pairs (word, word of the transcript) of the alignment with the greatest sum of likenesses; both orders are kept."""
    if not words or not transcript:
        return {}
    similarity = process.cdist(words, transcript, scorer=Indel.normalized_similarity, dtype=np.float32).astype(np.float64)
    # Identical words first: a near likeness must not take the place of the word itself.
    gain = np.where(similarity >= MIN_SIMILARITY, similarity + (similarity == 1.0), -np.inf)
    best = np.zeros((len(words) + 1, len(transcript) + 1))
    for i in range(len(words)):
        paired = np.maximum(best[i, :-1] + gain[i], best[i, 1:])
        best[i + 1, 1:] = np.maximum.accumulate(paired)
    pairs: dict[int, int] = {}
    i, j = len(words), len(transcript)
    while i and j:
        if best[i, j] == best[i, j - 1]:
            j -= 1
        elif best[i, j] == best[i - 1, j]:
            i -= 1
        else:
            i, j = i - 1, j - 1
            pairs[i] = j
    return pairs


def judge(words: Sequence[str], transcript: Sequence[TranscriptWord], passes: int = ALIGNMENT_PASSES) -> Verdicts:
    """Return for each word whether it is right; None where the transcript does not tell.

    What the first alignment leaves over is aligned again, because engines order stamps and margins in their own way.
    """
    verdicts: Verdicts = [False] * len(words)
    unpaired, unclaimed = list(range(len(words))), list(range(len(transcript)))
    for _ in range(passes):
        pairs = align([word_key(words[i]) for i in unpaired], [transcript[j].key for j in unclaimed])
        for i, j in pairs.items():
            truth = transcript[unclaimed[j]]
            verdicts[unpaired[i]] = True if word_key(words[unpaired[i]]) == truth.key else (False if truth.is_sure else None)
        unpaired = [i for place, i in enumerate(unpaired) if place not in pairs]
        unclaimed = [j for place, j in enumerate(unclaimed) if place not in set(pairs.values())]
    return verdicts


def label_words(result: OcrResult, scan: Path) -> Verdicts:
    """Return for each word whether it is right, None for words the ground truth beside the scan says nothing about."""
    boxes = scan.with_suffix(".lines.json")
    if not boxes.exists():
        text = find_transcript(scan)
        assert text is not None, f"no ground truth beside {scan}"
        return judge([word.text for word in result.words], parse_transcript(text.read_text(encoding="utf-8")))
    lines = [line for line in json.loads(boxes.read_text(encoding="utf-8")) if line["text"].strip()]
    return _label_by_line(result, lines)


def find_transcript(scan: Path) -> Path | None:
    """Return the transcript beside the scan, None if there is none."""
    return next((path for suffix in (".gt.txt", ".gold.txt", ".txt") if (path := scan.with_suffix(suffix)).exists()), None)


def _label_by_line(result: OcrResult, lines: Sequence[dict[str, Any]]) -> Verdicts:
    boxes = [_box(line["bbox"]) for line in lines]
    transcripts = [parse_transcript(line["text"]) for line in lines]
    line_of = [_line_of(word.box, boxes) for word in result.words]
    verdicts: Verdicts = [None] * len(line_of)
    unclaimed: list[list[str]] = []
    for number, transcript in enumerate(transcripts):
        inside = sorted((i for i, line in enumerate(line_of) if line == number), key=lambda i: result.words[i].box.left)
        for i, verdict in zip(inside, judge([result.words[i].text for i in inside], transcript, passes=1), strict=True):
            verdicts[i] = verdict
        right = Counter(word_key(result.words[i].text) for i in inside if verdicts[i])
        unclaimed.append(list((Counter(word.key for word in transcript) - right).elements()))
    return [
        _stands_in_another(word, boxes, unclaimed) if verdict is False else verdict
        for word, verdict in zip(result.words, verdicts, strict=True)
    ]


def _stands_in_another(word: EngineWord, boxes: Sequence[Box], unclaimed: list[list[str]]) -> bool:
    """Return whether the word belongs to another line that its box touches, and claim it there: boxes of slanting lines overlap."""
    for box, keys in zip(boxes, unclaimed, strict=True):
        if word.box.intersection(box) and word_key(word.text) in keys:
            keys.remove(word_key(word.text))
            return True
    return False


def _box(bbox: Sequence[float]) -> Box:
    left, top, width, height = bbox
    return Box(round(left), round(top), round(left + max(1, width)), round(top + max(1, height)))


def _line_of(box: Box, lines: Sequence[Box]) -> int | None:
    """Return the line whose middle lies nearest among those that cover half of the word, None if none does."""
    covering = [i for i, line in enumerate(lines) if box.intersection(line) >= MIN_COVERED_SHARE * box.area]
    middle = box.top + box.bottom
    return min(covering, key=lambda i: abs(lines[i].top + lines[i].bottom - middle), default=None)
