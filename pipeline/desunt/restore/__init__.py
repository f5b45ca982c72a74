"""From a gap, the text round it and the ink in it to ranked candidates with probabilities, or to a refusal with its reason.

A filling's score is log-linear: the language model's reading of both sides, counted phrases, ink, length, frequency; the few weights are
fitted on development documents (models/fit_calibration.py) and turned into calibrated probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from desunt.lm import Context, Filling, GapModel
from desunt.lm.length import log_length, words_in
from desunt.lm.lexicon import Lexicon, bare
from desunt.lm.model_files import model_file
from desunt.lm.ngram import NgramModel, read_phrases
from desunt.record.conjecture import Candidate, Conjecture, Opinion, Refusal
from desunt.restore.calibration import Calibration, Factors, at_most, mass_of, read_calibration, rounded
from desunt.restore.candidates import POOL, gather
from desunt.restore.error_model import Confusion, core, read_confusion
from desunt.restore.evidence import evidence_of, ranks
from desunt.restore.gap_query import Asked, Channel
from desunt.restore.refusal import marked, never, why_not, words_seen

__all__ = ["Asked", "restore"]

CHANNELS: tuple[Channel, ...] = ("ink", "garbled")
# The context that is kept with an opinion, in characters a side: enough for an editor to see what the model was shown.
SHOWN = 300
# With ink, so many fillings are scored by the model: those that rough weights of what costs nothing put first, and the best proposed.
# A garbled word may have nothing left of the right one, so more are taken from the context.
# Without ink, so many that the model proposed first, and as many that counted phrases put first.
BY_TEXT = 32
BY_INK, BY_CONTEXT = 26, {"ink": 14, "garbled": 30}
# Gaps that are proposed for in one batch.
TOGETHER = 8
INK, LEXICON, PROPOSAL, PHRASE = 0.5, 0.2, 0.15, 0.2
# A document uses its own names again and again: once in some hundreds of words, whatever their frequency elsewhere.
OWN = math.log(1 / 500)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything but the language model that weighs fillings: tables of confusions by channel, the lexicon, the document's names, and
    counted phrases (None: they are not to speak).
    """

    confusions: dict[Channel, Confusion]
    lexicon: Lexicon
    names: frozenset[str]
    phrases: NgramModel | None


@dataclass(frozen=True, slots=True)
class Weighed:
    """One gap's fillings with what speaks for each, in no order."""

    asked: Asked
    texts: tuple[str, ...]
    rows: tuple[Factors, ...]


def restore(
    asked: Sequence[Asked], model: GapModel, *, lexicon: Lexicon, names: Collection[str] = (), limit: int = 20, models: Path | None = None
) -> list[Opinion]:
    """Return one opinion a gap, in order; gaps that are never filled are not shown to the model.

    Raises DependencyMissing if the fitted tables of models/ are absent.
    """
    known = knowledge(lexicon, names, models)
    calibration = read_calibration(model_file("calibration.json", models), model.ref.name)
    open_gaps = [one for one in asked if never(one.gap) is None]
    opinions = {weighed.asked.gap.id: decide(weighed, calibration, known, model, limit) for weighed in weigh(open_gaps, model, known)}
    return [opinions.get(one.gap.id) or Refusal(one.gap.id, never(one.gap) or "") for one in asked]


def knowledge(lexicon: Lexicon, names: Collection[str], models: Path | None = None) -> Knowledge:
    """Read the fitted tables of confusions, and let the lexicon know the document's names."""
    table, own = model_file("confusion.json", models), frozenset(names) - {""}
    known = lexicon.with_names(iter(sorted(own))) if own else lexicon
    return Knowledge({channel: read_confusion(table, channel) for channel in CHANNELS}, known, own, read_phrases(models))


def weigh(asked: Sequence[Asked], model: GapModel, known: Knowledge) -> list[Weighed]:
    """Gather and score the fillings of every gap: a batch of proposals, then one scoring a gap."""
    if isinstance(model, NgramModel):  # phrases must not speak twice
        known = replace(known, phrases=None)
    weighed = []
    for start in range(0, len(asked), TOGETHER):
        some = asked[start : start + TOGETHER]
        asked_for = iter(model.propose([one.context for one in some if not speaks(one)], POOL))
        weighed += [_weigh_one(one, [] if speaks(one) else next(asked_for), model, known) for one in some]
    return weighed


def speaks(one: Asked) -> bool:
    """Tell whether the ink itself names the candidates: the model then only scores them.

    To ask it for its own would take a third of the time again, for one right reading in a hundred (docs/results.md).
    """
    return one.channel == "ink" and any(sign.isalnum() for sign in one.ink)


def _weigh_one(asked: Asked, proposed: Sequence[Filling], model: GapModel, known: Knowledge) -> Weighed:
    confusion = known.confusions[asked.channel]
    counted = known.phrases.propose([asked.context], POOL)[0] if known.phrases else []
    pool = _promising(asked, gather(asked, proposed, counted, confusion, known.lexicon, known.names), known)
    texts = [filling.text for filling in pool]
    scores = model.score(asked.context, texts) if texts else []
    # A model may give no chance at all; no factor may say so alone.
    least = min((score for score in scores if math.isfinite(score)), default=0.0) - 10.0
    phrases = _phrases(asked.context, texts, known)
    rows = (
        _factors(asked, filling, max(score, least), phrase, known) for filling, score, phrase in zip(pool, scores, phrases, strict=True)
    )
    return Weighed(asked, tuple(texts), tuple(rows))


def _phrases(context: Context, texts: Sequence[str], known: Knowledge) -> list[float]:
    return known.phrases.score(context, texts) if known.phrases else [0.0] * len(texts)


def _promising(asked: Asked, pool: list[Filling], known: Knowledge) -> list[Filling]:
    """Return the fillings that are worth the model's time: those that the ink, or else counted phrases, speak for, and the model's own."""
    phrases = _phrases(asked.context, [filling.text for filling in pool], known)
    rows = [_factors(asked, filling, 0.0, phrase, known) for filling, phrase in zip(pool, phrases, strict=True)]
    chances = [INK * row.ink + LEXICON * row.lexicon + PROPOSAL * row.proposal + PHRASE * row.phrase for row in rows]
    order = sorted(range(len(pool)), key=lambda i: (-chances[i], pool[i].text))
    first, more = (BY_INK, BY_CONTEXT[asked.channel]) if asked.ink else (BY_TEXT, BY_TEXT)
    others = sorted(order[first:], key=lambda i: (-pool[i].score, pool[i].text))
    return [pool[i] for i in (*order[:first], *others[:more])]


def _factors(asked: Asked, filling: Filling, context: float, phrase: float, known: Knowledge) -> Factors:
    confusion = known.confusions[asked.channel]
    inks = asked.inks if asked.ink else ()
    return Factors(
        context=context,
        proposal=filling.score,
        phrase=phrase,
        ink=max((confusion.explains(ink, filling.text) for ink in inks), default=0.0),
        length=log_length(filling.text, asked.context.extent),
        lexicon=log_frequency(asked, filling.text, known),
        changed=float(bool(inks) and bare(filling.text) not in map(core, inks)),
        known=-float(sum(_unknown(word, known) for word in whole_words(asked, filling.text))),
    )


def log_frequency(asked: Asked, text: str, known: Knowledge) -> float:
    """Return the log frequency of the filling's rarest word, surviving letters joined to it; a word never seen counts half."""
    return min(_log_frequency(bare(word), known) for word in whole_words(asked, text))


def whole_words(asked: Asked, text: str) -> list[str]:
    """Return the words of a filling, surviving letters joined to them."""
    letters = asked.context.letters
    return f"{letters.before}{text}{letters.after}".split() or [text]


def _unknown(word: str, known: Knowledge) -> bool:
    """Tell whether a word of letters is neither in the lexicon nor a name of the document."""
    plain = bare(word)
    return any(sign.isalpha() for sign in plain) and plain not in known.lexicon and plain not in known.names


def _log_frequency(word: str, known: Knowledge) -> float:
    if word in known.names or word.capitalize() in known.names:
        return OWN
    return math.log((known.lexicon.count(word) or 0.5) / max(known.lexicon.total, 1))


def decide(weighed: Weighed, calibration: Calibration, known: Knowledge, model: GapModel, limit: int) -> Opinion:
    """Turn the weighed fillings of one gap into a conjecture, or a refusal that keeps the ranked candidates."""
    asked, context = weighed.asked, weighed.asked.context
    seen = words_seen((context.before, context.after), sorted(known.names))
    ranked, none = _ranked(weighed, calibration, seen, known, limit)
    candidates = marked(asked, ranked, seen, known.lexicon)
    shown = (context.before[-SHOWN:], context.after[:SHOWN])
    reason = why_not(asked, candidates, seen, known.lexicon)
    if reason is not None:
        return Refusal(asked.gap.id, reason, candidates, none, model.ref, shown)
    return Conjecture(asked.gap.id, candidates, none, model.ref, shown)


def _ranked(
    weighed: Weighed, calibration: Calibration, seen: frozenset[str], known: Knowledge, limit: int
) -> tuple[tuple[Candidate, ...], float]:
    if not weighed.texts:
        return (), 1.0
    asked, rows = weighed.asked, weighed.rows
    words = words_in(asked.gap.extent, open_ended=asked.kind == "open")
    probabilities = at_most(mass_of(words), calibration.probabilities(asked.kind, rows, words)[0])
    # Ties are broken by the text, so that a second run writes the same bytes.
    best = sorted(range(len(rows)), key=lambda i: (-probabilities[i], weighed.texts[i]))[:limit]
    kept, none = rounded([probabilities[i] for i in best])
    confusion, places = known.confusions[asked.channel], ranks([row.context for row in rows])
    candidates = (
        Candidate(weighed.texts[i], p, evidence_of(asked, weighed.texts[i], rows[i], rank=places[i], seen=seen, confusion=confusion))
        for i, p in zip(best, kept, strict=True)
    )
    return tuple(candidates), none
