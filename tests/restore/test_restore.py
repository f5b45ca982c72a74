from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from desunt.errors import IntegrityError
from desunt.lm import Context, Filling
from desunt.lm.lexicon import Lexicon
from desunt.lm.ngram import NgramModel
from desunt.record.conjecture import Conjecture, Opinion, Refusal
from desunt.record.document import Extent, Gap, Letters, Reason
from desunt.restore import load_resources, restore, score_candidates
from desunt.restore.calibration import Features, none_features, read_calibration, round_down, softmax
from desunt.restore.gap_query import GAP_EVIDENCE_KINDS, Channel, GapQuery

SENTENCES = [
    "The Ambassador informed the Department that the Foreign Minister agreed to the proposal.",
    "The Ambassador told the Minister that the Department would study the proposal.",
    "The Foreign Minister told the Ambassador that the port should be open to all countries.",
    "The Department told the Ambassador that the railroads should be under joint management.",
    "The Government agreed that the port should be under Chinese administration.",
    "On Monday the Minister left for Moscow with Stalin and the Ambassador.",
    "The Embassy reported that the Government had agreed to the management of the railroads.",
]


class Watched:
    """An n-gram model that counts what it is query."""

    def __init__(self) -> None:
        self.model = NgramModel.train(SENTENCES * 4, min_count={2: 1, 3: 1, 4: 1})
        self.proposed: list[int] = []
        self.scored: list[int] = []
        self.ref = self.model.ref

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        self.proposed.append(len(contexts))
        return self.model.propose(contexts, limit)

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        self.scored.append(len(texts))
        return self.model.score(context, texts)


@pytest.fixture
def model() -> Watched:
    return Watched()


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    words = Counter(word for sentence in SENTENCES for word in re.findall(r"\w+", sentence.replace("The ", "the ")))
    counts = {word.casefold(): 10_000 * count for word, count in words.items()}
    return Lexicon(counts, {word.casefold(): word for word in words}, 20_000_000)


WHOLE = Letters()


def gap(
    extent: Extent | None = None, reading: str | None = None, *, reason: Reason = "illegible", letters: Letters = WHOLE,
    continues: bool | None = False, name: str = "g",
) -> Gap:  # fmt: skip
    return Gap(name, None, extent, reason, reading, letters, continues=continues)


def restore_one(query: GapQuery, model: Watched, lexicon: Lexicon, names: Sequence[str] = (), limit: int = 20) -> Opinion:
    return restore([query], model, lexicon=lexicon, names=names, limit=limit)[0]


def texts(opinion: Opinion) -> list[str]:
    return [candidate.text for candidate in opinion.candidates]


BEFORE, AFTER = "The Department told the ", " that the port should be open."


def test_ink_and_length_lead_to_the_word(model: Watched, lexicon: Lexicon) -> None:
    opinion = restore_one(GapQuery(gap(Extent("character", 9, 11), "Arnbassador"), BEFORE, AFTER), model, lexicon)
    assert isinstance(opinion, Conjecture)
    assert opinion.candidates[0].text == "Ambassador"
    said = {evidence.kind: evidence.says for evidence in opinion.candidates[0].evidence}
    assert said["ink"] == "the engine read 'Arnbassador' (m read as rn)"
    assert said["length"] == "needs 9-11 letters; Ambassador has 10"
    assert said["context"] == "fits the text on both sides best"


def test_ink_outweighs_a_better_fitting_word(model: Watched, lexicon: Lexicon) -> None:
    without = restore_one(GapQuery(gap(), BEFORE, AFTER), model, lexicon)
    with_ink = restore_one(GapQuery(gap(None, "Erbassy"), BEFORE, AFTER), model, lexicon)
    assert texts(without)[0] != "Embassy"
    assert texts(with_ink)[0] == "Embassy"


def test_masses_add_up_and_are_ranked(model: Watched, lexicon: Lexicon) -> None:
    for query in (
        gap(),
        gap(Extent("character", 3, 12)),
        gap(None, "tne"),
        gap(None, " "),
        gap(None, "| ~"),
        gap(continues=None),
        gap(Extent("word", 1, 1)),
    ):
        opinion = restore_one(GapQuery(query, BEFORE, AFTER), model, lexicon, limit=5)
        probabilities = [candidate.probability for candidate in opinion.candidates]
        assert len(probabilities) == 5
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities) <= 1.0
        assert sum(probabilities) + opinion.none_of_these == pytest.approx(1.0, abs=1e-9)
        assert all(round(p, 4) == p for p in probabilities)


def test_what_the_ink_names_is_scored_and_not_proposed_for(model: Watched, lexicon: Lexicon) -> None:
    query = [GapQuery(gap(name="a"), BEFORE, AFTER), GapQuery(gap(None, "Erbassy", name="b"), BEFORE, AFTER)]
    query += [GapQuery(gap(None, "| ~", name="c"), BEFORE, AFTER), GapQuery(gap(None, "Erbassy", name="d"), BEFORE, AFTER, "garbled")]
    opinions = restore(query, model, lexicon=lexicon)
    assert model.proposed == [3]
    assert len(model.scored) == 4
    assert [bool(opinion.candidates) for opinion in opinions] == [True] * 4
    assert texts(opinions[1])[0] == "Embassy"


def test_a_word_in_an_engine_s_odd_capitals_is_written_plainly(model: Watched, lexicon: Lexicon) -> None:
    found = texts(
        restore_one(GapQuery(gap(None, "tHe"), "The Department told ", " Ambassador that the port should be open."), model, lexicon)
    )
    assert "the" in found
    assert "tHe" not in found


def test_the_doubted_reading_and_words_that_nothing_knows_are_told_apart(model: Watched, lexicon: Lexicon) -> None:
    resources = load_resources(lexicon, ["Molotov"])
    [scored] = score_candidates([GapQuery(gap(None, "Molotoy."), BEFORE, AFTER)], model.model, resources)
    rows = dict(zip(scored.texts, scored.features, strict=True))
    assert (rows["Molotoy"].differs_from_reading, rows["Molotoy"].oov_words) == (0.0, -1.0)
    assert (rows["Molotov"].differs_from_reading, rows["Molotov"].oov_words) == (1.0, 0.0)


@pytest.mark.parametrize("reason", ["withheld", "blank", "struck-out"])
def test_what_is_never_filled_is_not_shown_to_the_model(model: Watched, lexicon: Lexicon, reason: Reason) -> None:
    opinion = restore_one(GapQuery(gap(reason=reason), BEFORE, AFTER), model, lexicon)
    assert isinstance(opinion, Refusal)
    assert not opinion.candidates
    assert opinion.none_of_these == 1.0
    assert model.proposed == model.scored == []


def test_a_whole_line_is_refused_and_the_model_not_asked(model: Watched, lexicon: Lexicon) -> None:
    opinion = restore_one(GapQuery(gap(Extent("line", 1, 1), continues=None), BEFORE, AFTER), model, lexicon)
    assert isinstance(opinion, Refusal)
    assert opinion.reason == "a whole line is lost, too much to supply"
    assert (opinion.candidates, model.proposed, model.scored) == ((), [], [])


def test_withheld_says_so(model: Watched, lexicon: Lexicon) -> None:
    opinion = restore_one(GapQuery(gap(reason="withheld"), BEFORE, AFTER), model, lexicon)
    assert isinstance(opinion, Refusal)
    assert opinion.reason == "withheld: never filled"


def test_gaps_are_answered_in_order_and_proposed_for_in_one_batch(model: Watched, lexicon: Lexicon) -> None:
    gaps = [gap(name="a"), gap(name="b", reason="withheld"), gap(name="c")]
    opinions = restore([GapQuery(g, BEFORE, AFTER) for g in gaps], model, lexicon=lexicon)
    assert [opinion.gap_id for opinion in opinions] == ["a", "b", "c"]
    assert model.proposed == [2]
    assert len(model.scored) == 2
    assert restore([], model, lexicon=lexicon) == []


def test_a_name_known_from_nowhere_is_refused_and_kept_on_record(model: Watched, lexicon: Lexicon) -> None:
    query = GapQuery(gap(), "the Minister left for ", " with Stalin and the others.")
    refused = restore_one(query, model, lexicon)
    assert isinstance(refused, Refusal)
    assert "proper name" in refused.reason
    assert texts(refused)[0] == "Moscow"
    assert not isinstance(restore_one(query, model, lexicon, names=["Moscow"]), Refusal) or "name" not in getattr(
        restore_one(query, model, lexicon, names=["Moscow"]), "reason", ""
    )


def test_a_date_without_ink_is_refused(model: Watched, lexicon: Lexicon) -> None:
    opinion = restore_one(GapQuery(gap(Extent("character", 6, 6)), "On ", " the Minister left"), model, lexicon)
    assert isinstance(opinion, Refusal)
    assert "figure or date" in opinion.reason
    assert "Monday" in texts(opinion)


def test_a_name_of_the_document_competes(model: Watched, lexicon: Lexicon) -> None:
    query = GapQuery(gap(Extent("character", 8, 8), "Harrirnan"), BEFORE, AFTER)
    assert "Harriman" in texts(restore_one(query, model, lexicon, names=["Harriman"]))
    first = restore_one(
        GapQuery(gap(Extent("character", 7, 9), "Harrirnan"), "The Minister told ", " that he agreed."), model, lexicon, ["Harriman"]
    )
    assert texts(first)[0] == "Harriman"


def test_an_open_gap_at_the_end_of_a_line_keeps_candidates_and_much_doubt(model: Watched, lexicon: Lexicon) -> None:
    query = GapQuery(gap(continues=None), "the port should be under ", "\nthe railroads should be free")
    opinion = restore_one(query, model, lexicon)
    assert opinion.candidates
    assert opinion.none_of_these > 0.3
    assert opinion.context[1] == ""


def test_surviving_letters_bind(model: Watched, lexicon: Lexicon) -> None:
    query = GapQuery(gap(Extent("character", 4, 5), letters=Letters("Amb", "dor")), BEFORE, AFTER)
    assert texts(restore_one(query, model, lexicon))[0] == "assa"


def test_capitals_are_restored_and_case_variants_merged(model: Watched, lexicon: Lexicon) -> None:
    opinion = restore_one(GapQuery(gap(), BEFORE.upper(), AFTER.upper()), model, lexicon)
    assert all(text == text.upper() for text in texts(opinion))
    opinion = restore_one(GapQuery(gap(), "The port was free. ", " Department agreed to the proposal"), model, lexicon)
    found = texts(opinion)
    assert "The" in found
    assert len({text.casefold() for text in found}) == len(found)


def test_a_garbled_word_is_not_offered_as_its_own_correction(model: Watched, lexicon: Lexicon) -> None:
    query = GapQuery(gap(None, "ports"), "that the ", " should be open", channel="garbled")
    found = texts(restore_one(query, model, lexicon))
    assert "ports" not in found
    assert "port" in found[:3]
    assert "ports" in texts(restore_one(GapQuery(gap(None, "ports"), "that the ", " should be open"), model, lexicon))


def test_a_second_run_gives_the_same_opinions(model: Watched, lexicon: Lexicon) -> None:
    query = [GapQuery(gap(None, "tne", name="a"), BEFORE, AFTER), GapQuery(gap(name="b"), BEFORE, AFTER)]
    names = ["Stalin", "Moscow", "Molotov"]
    assert restore(query, model, lexicon=lexicon, names=names) == restore(query, Watched(), lexicon=lexicon, names=set(names))


def test_kinds_are_told_apart() -> None:
    extent = Extent("character", 3, 4)
    gaps = gap(extent, "x"), gap(extent, "x"), gap(extent), gap(), gap(continues=None)
    channels: tuple[Channel, ...] = ("ink", "garbled", "ink", "ink", "ink")
    kinds = [GapQuery(one, "", "", channel).evidence_kind for one, channel in zip(gaps, channels, strict=True)]
    assert tuple(kinds) == GAP_EVIDENCE_KINDS
    assert GapQuery(gap(Extent("line", 1, 1)), "", "").evidence_kind == "neither"


def test_surviving_letters_are_taken_out_of_the_text_once() -> None:
    within = GapQuery(gap(letters=Letters("Mei", "ohn")), "said Mei", "ohn that").context
    apart = GapQuery(gap(letters=Letters("Mei", "ohn")), "said ", " that").context
    assert (within.before, within.after) == (apart.before, apart.after) == ("said ", " that")


def test_the_shipped_calibration_covers_every_kind_and_unknown_models(root: Path) -> None:
    path = root / "models" / "calibration.json"
    fitted, other = read_calibration(path, "ngram"), read_calibration(path, "somebody's model")
    assert set(fitted.fits) == set(other.fits) == set(GAP_EVIDENCE_KINDS)
    assert other.model == "other"
    rows = [Features(context=x, proposal=x, ngram=x, reading=0.0, length=0.0, lexicon=-5.0) for x in (-1.0, -4.0)]
    for kind in GAP_EVIDENCE_KINDS:
        shares, none = fitted.probabilities(kind, rows, 1.0)
        assert sum(shares) + none == pytest.approx(1.0)
        assert shares[0] > shares[1]


@pytest.mark.parametrize("content", ["", '{"models": {}}', '{"models": {"other": {"ink": {"weights": [], "none_weights": []}}}}'])
def test_a_damaged_calibration_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(IntegrityError, match="fit_calibration"):
        read_calibration(path, "ngram")


def test_rounding_never_exceeds_one() -> None:
    rounded, none = round_down([1 / 3 + 0.00006] * 2 + [1 / 3 - 0.00012])
    assert sum(rounded) + none == pytest.approx(1.0)
    assert none >= 0.0
    assert round_down([1.0]) == ((1.0,), 0.0)


def test_none_features_are_finite_at_the_ends() -> None:
    assert all(abs(value) < 20 for shares in ([1.0], [1.0, 0.0], softmax([0.0] * 80)) for value in none_features(shares, 0.5))


def test_points_that_say_something_is_missing_are_not_text() -> None:
    for points in ("... ", "…", " . . . "):
        assert GapQuery(gap(), f"to be able to{points}", "").context.before == "to be able to "
    assert GapQuery(gap(), "he left... and then ", "").context.before == "he left... and then "


def test_to_the_end_of_a_line_nothing_breaks_off(model: Watched, lexicon: Lexicon) -> None:
    before = "The Ambassador told the Minister that "
    inside, at_end = (texts(restore_one(GapQuery(gap(continues=c), before, ""), model, lexicon)) for c in (False, None))
    assert "the" in inside
    assert not {text.split()[-1].casefold() for text in at_end} & {"the", "of", "that", "to", "and"}


def test_ink_in_capitals_gives_capitals(model: Watched, lexicon: Lexicon) -> None:
    opinion = restore_one(GapQuery(gap(None, '- 03 "AMBASSADQR'), BEFORE, AFTER), model, lexicon)
    assert opinion.candidates[0].text == "AMBASSADOR"


def test_little_is_claimed_for_many_words() -> None:
    from desunt.restore.calibration import cap_mass, max_mass

    assert [max_mass(words) for words in (1.0, 2.0, 3.0, 5.0, 7.0)] == [1.0, 1.0, 0.30, 0.30, 0.05]
    assert cap_mass(0.3, [0.6, 0.3]) == pytest.approx([0.2, 0.1])
    assert cap_mass(0.3, [0.1, 0.1]) == [0.1, 0.1]
