"""The probability that a word is right, and the script that fits it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training import fit_legibility, word_labels

from desunt.errors import DependencyMissing
from desunt.evaluate.conjectures.metrics import expected_calibration_error
from desunt.evaluate.detection.measure import auroc, average_precision, recall_at_fpr
from desunt.lm.char_ngrams import char_trigrams
from desunt.lm.lexicon import load_lexicon
from desunt.lm.model_files import model_file
from desunt.ocr.confidence.legibility import MODEL_FEATURES, SINGLE_FEATURES, LogisticRegression, load_legibility
from desunt.ocr.confidence.word_features import word_features
from desunt.ocr.engines import EngineLine, OcrResult
from desunt.ocr.preprocessing.ink import binarize
from tests.support.synthetic_pages import SENTENCE, type_rows

DAMAGED = json.dumps({"models": {name: {"features": [], "intercept": 0} for name in MODEL_FEATURES}, "threshold_read": 0.3})


def chances(page: np.ndarray, reading: OcrResult) -> dict[str, float]:
    lexicon = load_lexicon()
    facts = load_legibility().single.predict_proba(word_features(reading, binarize(page), lexicon, char_trigrams(lexicon)))
    return {word.text: float(chance) for word, chance in zip(reading.words, facts, strict=True)}


def test_known_words_read_surely_are_vouched_for_and_noise_is_not():
    page, reading = type_rows({0: SENTENCE, 1: "the Qxv#t | Minister s~r", 2: SENTENCE}, {"Qxv#t": 0.3, "|": 0.2, "s~r": 0.25})
    facts = chances(page, reading)
    assert facts["Government"] > 0.95
    assert facts["Minister"] > 0.9
    assert max(facts["Qxv#t"], facts["|"], facts["s~r"]) < load_legibility().threshold_read


def test_halves_of_a_known_word_divided_at_a_line_end_are_no_noise():
    half, rest = "repu-", "tation"
    for lines, known in (
        ({0: f"{SENTENCE} {half}", 1: f"{rest} {SENTENCE}"}, True),
        ({0: f"{SENTENCE} {half}", 1: f"{SENTENCE} {rest}"}, False),
    ):
        facts = chances(*type_rows(lines, {half: 0.8, rest: 0.8}))
        assert (min(facts[half], facts[rest]) > 0.9) == known, lines


def test_of_two_unknown_words_the_one_spelt_like_a_word_is_likelier():
    spelling = char_trigrams(load_lexicon())
    assert char_trigrams(load_lexicon()) is spelling, "it is worked out once a process"
    assert spelling.mean_log_prob("Bessarabov") > spelling.mean_log_prob("Bxssqrzbv")
    assert spelling.mean_log_prob("") == -2.0
    assert spelling.mean_log_prob("1905") == spelling.mean_log_prob("1938")


def test_every_word_has_every_feature_and_an_empty_page_has_none():
    lexicon = load_lexicon()
    page, reading = type_rows({0: SENTENCE, 3: "No. 557"})
    facts = word_features(reading, binarize(page), lexicon, char_trigrams(lexicon))
    assert facts.shape == (len(reading.words), len(SINGLE_FEATURES))
    assert np.isfinite(facts).all()
    empty = word_features(OcrResult((), "tesseract", "5"), binarize(page), lexicon, char_trigrams(lexicon))
    assert empty.shape == (0, len(SINGLE_FEATURES))
    assert load_legibility().single.predict_proba(empty).shape == (0,)


def test_a_word_is_judged_in_its_line():
    page, reading = type_rows({0: SENTENCE, 1: SENTENCE})
    noisy = tuple(replace(word, confidence=0.15, text="x;~") if k != 4 else word for k, word in enumerate(reading.lines[1].words))
    doubtful = replace(reading, lines=(reading.lines[0], EngineLine(noisy, reading.lines[1].box, 1)))
    assert chances(page, doubtful)["with"] < chances(page, reading)["with"]


def test_boxes_beyond_the_page_are_cut():
    page, reading = type_rows({0: SENTENCE})
    word = reading.lines[0].words[0]
    outside = replace(word, box=replace(word.box, left=-40, top=-40, right=5000, bottom=5000))
    line = EngineLine((outside, *reading.lines[0].words[1:]), reading.lines[0].box, 1)
    assert 0 <= chances(page, replace(reading, lines=(line,)))["the"] <= 1


def test_far_values_do_not_run_away():
    model = LogisticRegression(("a",), (0.0,), (1.0,), (1.0,), 0.0)
    low, middle, high, farther = model.predict_proba(np.array([[-1.0], [0.0], [4.0], [1e9]]))
    assert low < middle == 0.5 < high == farther < 1


@pytest.mark.parametrize("content", ["", "[]", '{"models": {}}', DAMAGED])
def test_a_damaged_model_names_itself_and_the_remedy(tmp_path, content):
    (tmp_path / "legibility.json").write_text(content)
    with pytest.raises(DependencyMissing, match=r"legibility\.json.*Install desunt again"):
        load_legibility(tmp_path)


def test_the_shipped_model_is_worth_more_than_the_goals():
    stored = json.loads(model_file("legibility.json").read_text())
    assert stored["words"] > 5000
    assert stored["left_out"]["calibration_error"] <= 0.03
    assert stored["left_out"]["average_precision"] > 0.9
    assert stored["models"].keys() == MODEL_FEATURES.keys()
    assert 0.1 <= stored["threshold_read"] <= 0.5


def test_alignment_judges_each_word_once():
    transcript = word_labels.parse_transcript("The Foreign Minister⟦~⟧ of Ruma⟦?⟧ said\n⟦STAMP: RECEIVED MAY 3⟧\n⟦HAND⟧\n⟦REDACTED⟧ left.")
    assert [word.key for word in transcript if not word.is_sure] == ["Minister", "Ruma\ufffd"]
    words = ["RECEIVED", "Tbe", "Foreign", "Ministet", "|", "of", "Rumania", '"said"', "left,", "left"]
    assert word_labels.judge(words, transcript) == [True, False, True, None, False, True, None, True, True, False]


def test_words_outside_the_lines_of_the_ground_truth_are_not_judged(tmp_path):
    _page, reading = type_rows({0: "the Govemment would", 2: "a stamp", 4: "of trade"})
    lines = [{"text": "the Government would", "bbox": [190, 290, 900, 60]}, {"text": "of trade.", "bbox": [190, 600, 900, 80]}]
    (tmp_path / "page.lines.json").write_text(json.dumps(lines))
    assert word_labels.label_words(reading, tmp_path / "page.png") == [True, False, True, None, None, True, True]


def test_measures_of_rank_and_calibration():
    wrong, score = np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1])
    assert auroc(wrong, score) == 0.75
    assert average_precision(wrong, score) == pytest.approx((1 + 2 / 3) / 2)
    assert auroc(wrong, np.zeros(4)) == 0.5
    assert average_precision(wrong, np.zeros(4)) == 0.5
    assert expected_calibration_error(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == 0
    assert expected_calibration_error(np.array([0.25, 0.25]), np.array([1.0, 1.0])) == 0.75
    assert recall_at_fpr(np.array([True] * 2 + [False] * 100), np.r_[0.99, 0.5, np.linspace(0, 1, 100)]) == 0.5


def test_the_threshold_is_where_most_words_below_are_wrong():
    chance = np.linspace(0.005, 0.995, 2000)
    wrong = np.random.default_rng(3).random(2000) > chance
    words = fit_legibility.LabelledPredictions((~wrong).astype(float), chance, np.full(2000, "pages"))
    assert fit_legibility.find_threshold(words, 0.7) == pytest.approx(0.35, abs=0.06)
    assert fit_legibility.find_threshold(replace(words, right=np.ones(2000)), 0.7) == 0.0


def test_the_fit_finds_the_odds_it_was_given():
    random = np.random.default_rng(5)
    features = random.normal(size=(4000, 2))
    right = (random.random(4000) < 1 / (1 + np.exp(-(2 * features[:, 0] + 1)))).astype(float)
    model = fit_legibility.fit("odds", features, right)
    assert model.weights == pytest.approx([2, 0], abs=0.25)
    assert expected_calibration_error(model.predict_proba(features), right) < 0.03
    assert np.array_equal(model.predict_proba(features), fit_legibility.fit("odds", features, right).predict_proba(features))


def test_pages_of_one_document_stay_together():
    names = ["a/EHRI-BF-1938_EN_01.jpg", "a/EHRI-BF-1938_EN_02.jpg", "a/104-10049_p001.png", "a/Lettre241.jpg", "a/Lettre243.jpg"]
    documents = [fit_legibility.document_of(Path(name)) for name in names]
    assert documents[0] == documents[1]
    assert len(set(documents)) == 4


@pytest.mark.data
def test_misread_words_of_a_real_page_are_less_legible(shared):
    from desunt.ocr.engines import load_engine
    from desunt.scan import read_page

    path = shared / "data/scans/jfk/104-10234-10101_p002.png"
    scan = read_page(path, 1, name="page", sha256="0" * 64, max_pixels=200_000_000, pdf_dpi=300)
    reading = load_engine("tesseract", "eng").read(scan.pixels, scan.image.dpi, 120.0)
    lexicon = load_lexicon()
    legibility = load_legibility().single.predict_proba(word_features(reading, binarize(scan.pixels), lexicon, char_trigrams(lexicon)))
    verdicts = word_labels.label_words(reading, path)
    judged = [i for i, verdict in enumerate(verdicts) if verdict is not None]
    wrong = np.array([not verdicts[i] for i in judged])
    confidence = np.array([reading.words[i].confidence for i in judged])
    assert wrong.sum() > 50
    assert auroc(wrong, 1 - legibility[judged]) > max(0.93, auroc(wrong, 1 - confidence))
