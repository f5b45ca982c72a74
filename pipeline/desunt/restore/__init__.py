"""From a gap, the text round it and what was read in it to ranked candidates with probabilities, or to a refusal with its reason.

A filling's score is log-linear: the language model's reading of both sides, n-grams, the engine's reading, length, frequency; the few
weights are fitted on development documents (training/fit_calibration.py) and turned into calibrated probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from desunt.lm import Context, Filling, GapModel
from desunt.lm.length import expected_words, length_log_prob
from desunt.lm.lexicon import Lexicon, strip_punctuation
from desunt.lm.model_files import model_file
from desunt.lm.ngram import NgramModel, load_ngram_model
from desunt.record.conjecture import Candidate, Conjecture, Opinion, Refusal
from desunt.restore.calibration import Calibration, Features, cap_mass, max_mass, read_calibration, round_down
from desunt.restore.candidates import POOL_SIZE, candidate_pool
from desunt.restore.error_model import ErrorModel, longest_part, read_error_model
from desunt.restore.evidence import evidence_for, ranks
from desunt.restore.gap_query import CHANNELS, Channel, GapQuery
from desunt.restore.refusal import collect_words, flag_unsupported, refusal_reason, unfillable_reason

__all__ = ["GapQuery", "restore"]

# The context that is kept with an opinion, in characters a side: enough for an editor to see what the model was shown.
SHOWN_CONTEXT_CHARS = 300
# With a reading, so many fillings are scored by the model: those that rough weights of what costs nothing put first, and the best proposed.
# A garbled word may have nothing left of the right one, so more are taken from the context.
# Without a reading, so many that the model proposed first, and as many that n-grams put first.
MAX_BY_READING, MAX_BY_CONTEXT = 26, {"ink": 14, "garbled": 30}
MAX_WITHOUT_READING = 32
# Gaps that are proposed for in one batch.
BATCH_GAPS = 8
# The rough weights of `_prune_candidates`.
READING_WEIGHT, LEXICON_WEIGHT, PROPOSAL_WEIGHT, NGRAM_WEIGHT = 0.5, 0.2, 0.15, 0.2
# A model may give no chance at all, which no feature may say alone: so many nats below the least of the others count instead.
NO_CHANCE_MARGIN = 10.0
# A document uses its own names again and again: once in some hundreds of words, whatever their frequency elsewhere.
NAME_LOG_FREQUENCY = math.log(1 / 500)


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything but the language model that weighs fillings: error models by channel, the lexicon, the document's names, and the n-gram
    model (None: it is not to speak).
    """

    error_models: dict[Channel, ErrorModel]
    lexicon: Lexicon
    names: frozenset[str]
    ngram: NgramModel | None


@dataclass(frozen=True, slots=True)
class ScoredCandidates:
    """One gap's fillings with what speaks for each, in no order."""

    query: GapQuery
    texts: tuple[str, ...]
    features: tuple[Features, ...]


def restore(
    queries: Sequence[GapQuery],
    model: GapModel,
    *,
    lexicon: Lexicon,
    names: Collection[str] = (),
    limit: int = 20,
    models: Path | None = None,
) -> list[Opinion]:
    """Return one opinion a gap, in order; gaps that are never filled are not shown to the model.

    Raises DependencyMissing if the fitted tables of models/ are absent.
    """
    resources = load_resources(lexicon, names, models)
    calibration = read_calibration(model_file("calibration.json", models), model.ref.name)
    fillable = [query for query in queries if unfillable_reason(query.gap) is None]
    scored = score_candidates(fillable, model, resources)
    opinions = {candidates.query.gap.id: to_opinion(candidates, calibration, resources, model, limit) for candidates in scored}
    return [opinions.get(query.gap.id) or Refusal(query.gap.id, unfillable_reason(query.gap) or "") for query in queries]


def load_resources(lexicon: Lexicon, names: Collection[str], models: Path | None = None) -> Resources:
    """Read the fitted error models, and let the lexicon know the document's names."""
    table, names = model_file("confusion.json", models), frozenset(names) - {""}
    lexicon = lexicon.with_names(iter(sorted(names))) if names else lexicon
    return Resources({channel: read_error_model(table, channel) for channel in CHANNELS}, lexicon, names, load_ngram_model(models))


def score_candidates(queries: Sequence[GapQuery], model: GapModel, resources: Resources) -> list[ScoredCandidates]:
    """Gather and score the fillings of every gap: a batch of proposals, then one scoring a gap."""
    if isinstance(model, NgramModel):  # n-grams must not speak twice
        resources = replace(resources, ngram=None)
    scored = []
    for start in range(0, len(queries), BATCH_GAPS):
        batch = queries[start : start + BATCH_GAPS]
        proposals = iter(model.propose([query.context for query in batch if not reading_yields_candidates(query)], POOL_SIZE))
        scored += [_score_gap(query, [] if reading_yields_candidates(query) else next(proposals), model, resources) for query in batch]
    return scored


def reading_yields_candidates(query: GapQuery) -> bool:
    """Tell whether the engine's reading itself names the candidates: the model then only scores them.

    To ask it for its own would take a third of the time again, for one right reading in a hundred (docs/results.md).
    """
    return query.channel == "ink" and any(char.isalnum() for char in query.engine_reading)


def _score_gap(query: GapQuery, proposed: Sequence[Filling], model: GapModel, resources: Resources) -> ScoredCandidates:
    error_model = resources.error_models[query.channel]
    ngram_proposed = resources.ngram.propose([query.context], POOL_SIZE)[0] if resources.ngram else []
    pool = candidate_pool(query, proposed, ngram_proposed, error_model, resources.lexicon, resources.names)
    pool = _prune_candidates(query, pool, resources)
    texts = [filling.text for filling in pool]
    scores = model.score(query.context, texts) if texts else []
    floor = min((score for score in scores if math.isfinite(score)), default=0.0) - NO_CHANCE_MARGIN
    ngram_scores = _ngram_scores(query.context, texts, resources)
    features = (
        _features(query, filling, max(score, floor), ngram_score, resources)
        for filling, score, ngram_score in zip(pool, scores, ngram_scores, strict=True)
    )
    return ScoredCandidates(query, tuple(texts), tuple(features))


def _ngram_scores(context: Context, texts: Sequence[str], resources: Resources) -> list[float]:
    return resources.ngram.score(context, texts) if resources.ngram else [0.0] * len(texts)


def _prune_candidates(query: GapQuery, pool: list[Filling], resources: Resources) -> list[Filling]:
    """Return the fillings that are worth the model's time: those that the reading, or else n-grams, speak for, and the model's own."""
    ngram_scores = _ngram_scores(query.context, [filling.text for filling in pool], resources)
    rows = [_features(query, filling, 0.0, score, resources) for filling, score in zip(pool, ngram_scores, strict=True)]
    rough_scores = [
        READING_WEIGHT * row.reading + LEXICON_WEIGHT * row.lexicon + PROPOSAL_WEIGHT * row.proposal + NGRAM_WEIGHT * row.ngram
        for row in rows
    ]
    by_score = sorted(range(len(pool)), key=lambda i: (-rough_scores[i], pool[i].text))
    with_reading = MAX_BY_READING, MAX_BY_CONTEXT[query.channel]
    max_by_score, max_by_proposal = with_reading if query.engine_reading else (MAX_WITHOUT_READING, MAX_WITHOUT_READING)
    by_proposal = sorted(by_score[max_by_score:], key=lambda i: (-pool[i].score, pool[i].text))
    return [pool[i] for i in (*by_score[:max_by_score], *by_proposal[:max_by_proposal])]


def _features(query: GapQuery, filling: Filling, context_score: float, ngram_score: float, resources: Resources) -> Features:
    error_model, text = resources.error_models[query.channel], filling.text
    readings = query.engine_readings if query.engine_reading else ()
    return Features(
        context=context_score,
        proposal=filling.score,
        ngram=ngram_score,
        reading=max((error_model.log_likelihood_with_specks(reading, text) for reading in readings), default=0.0),
        length=length_log_prob(text, query.context.extent),
        lexicon=log_frequency(query, text, resources),
        differs_from_reading=float(bool(readings) and strip_punctuation(text) not in map(longest_part, readings)),
        oov_words=-float(sum(_is_out_of_vocabulary(word, resources) for word in whole_words(query, text))),
    )


def log_frequency(query: GapQuery, text: str, resources: Resources) -> float:
    """Return the log frequency of the filling's rarest word, surviving letters joined to it; a word never seen counts half."""
    return min(_word_log_frequency(strip_punctuation(word), resources) for word in whole_words(query, text))


def whole_words(query: GapQuery, text: str) -> list[str]:
    """Return the words of a filling, surviving letters joined to them."""
    letters = query.context.letters
    return f"{letters.before}{text}{letters.after}".split() or [text]


def _is_out_of_vocabulary(word: str, resources: Resources) -> bool:
    """Tell whether a word of letters is neither in the lexicon nor a name of the document."""
    plain = strip_punctuation(word)
    return any(char.isalpha() for char in plain) and plain not in resources.lexicon and plain not in resources.names


def _word_log_frequency(word: str, resources: Resources) -> float:
    if word in resources.names or word.capitalize() in resources.names:
        return NAME_LOG_FREQUENCY
    return math.log((resources.lexicon.count(word) or 0.5) / max(resources.lexicon.total, 1))


def to_opinion(scored: ScoredCandidates, calibration: Calibration, resources: Resources, model: GapModel, limit: int) -> Opinion:
    """Turn the scored fillings of one gap into a conjecture, or a refusal that keeps the ranked candidates."""
    query, context = scored.query, scored.query.context
    document_words = collect_words((context.before, context.after), sorted(resources.names))
    ranked, none_of_these = _rank(scored, calibration, document_words, resources, limit)
    candidates = flag_unsupported(query, ranked, document_words, resources.lexicon)
    shown = (context.before[-SHOWN_CONTEXT_CHARS:], context.after[:SHOWN_CONTEXT_CHARS])
    reason = refusal_reason(query, candidates, document_words, resources.lexicon)
    if reason is not None:
        return Refusal(query.gap.id, reason, candidates, none_of_these, model.ref, shown)
    return Conjecture(query.gap.id, candidates, none_of_these, model.ref, shown)


def _rank(
    scored: ScoredCandidates, calibration: Calibration, document_words: frozenset[str], resources: Resources, limit: int
) -> tuple[tuple[Candidate, ...], float]:
    if not scored.texts:
        return (), 1.0
    query, texts, features = scored.query, scored.texts, scored.features
    words = expected_words(query.gap.extent, open_ended=query.evidence_kind == "open")
    probabilities = cap_mass(max_mass(words), calibration.probabilities(query.evidence_kind, features, words)[0])
    # Ties are broken by the text, so that a second run writes the same bytes.
    best = sorted(range(len(texts)), key=lambda i: (-probabilities[i], texts[i]))[:limit]
    rounded, none_of_these = round_down([probabilities[i] for i in best])
    error_model, places = resources.error_models[query.channel], ranks([row.context for row in features])

    def candidate(i: int, probability: float) -> Candidate:
        evidence = evidence_for(query, texts[i], features[i], rank=places[i], document_words=document_words, error_model=error_model)
        return Candidate(texts[i], probability, evidence)

    return tuple(map(candidate, best, rounded)), none_of_these
