"""Answers to gaps on file: written as they come, gone on with, joined; and whom gaps are put to."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest

from desunt.errors import InputError, UsageError
from desunt.evaluate.conjectures.answers import AnswerFile, read_answers
from desunt.evaluate.conjectures.run import Answered, answer_all, load_answers, summarise
from desunt.evaluate.conjectures.systems import FrequentWords, FullSystem, UntunedCausal, answer_key
from desunt.lm import Context, Filling
from desunt.lm.lexicon import Lexicon
from desunt.lm.ngram import NgramModel
from desunt.record.conjecture import Conjecture, ModelRef, Opinion
from desunt.record.document import Extent
from desunt.restore.gap_jsonl import GapLine

COUNTS = {"the": 60, "port": 30, "ports": 6, "Ambassador": 3, "Minister": 1}
LEXICON = Lexicon({word.casefold(): n for word, n in COUNTS.items()}, {word.casefold(): word for word in COUNTS}, 100)
TEXTS = ["He told the Ambassador of it.", "She told the Minister of the plan."] * 5


def gap(name: str, before: str = "He told the ", after: str = " of it.", extent: Extent | None = None, **more: str) -> GapLine:
    return GapLine(name, before, after, extent, **{"answer": "Ambassador", "task": "word1", **more})


LINES = tuple(gap(f"g{n}", task="word1" if n < 20 else "word2") for n in range(24))


class CountingSystem:
    """The frequent words, counting what it is asked and failing at will."""

    name = ""

    def __init__(self, cache_key: str = "one", fail_at: int | None = None) -> None:
        self.inner, self.cache_key, self.fail_at, self.batches = FrequentWords(LEXICON), cache_key, fail_at, list[list[str]]()

    def answer(self, question: Sequence[GapLine]) -> list[Opinion]:
        if len(self.batches) == self.fail_at:
            raise KeyboardInterrupt
        self.batches.append([line.id for line in question])
        return self.inner.answer(question)


def answer(system: CountingSystem, path: Path | None, lines: tuple[GapLine, ...] = LINES, *, resume: bool = False) -> Answered:
    return answer_all(lines, [system], AnswerFile(path, resume=resume), model="test")


def test_a_batch_holds_one_task(tmp_path: Path) -> None:
    system = CountingSystem()
    answer(system, None)
    assert [len(batch) for batch in system.batches] == [8, 8, 4, 4]


def test_a_run_that_was_cut_goes_on_and_gives_what_a_whole_one_gives(tmp_path: Path) -> None:
    path = tmp_path / "new" / "answers.jsonl"
    with pytest.raises(KeyboardInterrupt):
        answer(CountingSystem(fail_at=2), path)
    assert [answer.id for answer in read_answers(path)] == [f"g{n}" for n in range(16)]
    # The power fails while a line is written.
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"id": "g16", "candi')
    again = CountingSystem()
    resumed = answer(again, path, resume=True)
    assert [name for batch in again.batches for name in batch] == [f"g{n}" for n in range(16, 24)]
    whole = answer(CountingSystem(), None)
    assert [(a.id, a.candidates, a.refusal) for a in resumed.answers[""]] == [(a.id, a.candidates, a.refusal) for a in whole.answers[""]]
    assert [answer.id for answer in read_answers(path)] == [line.id for line in LINES]
    finished = CountingSystem()
    answer(finished, path, resume=True)
    assert finished.batches == []


def test_a_gap_has_its_share_of_its_batch_s_time(monkeypatch) -> None:
    clock = count(0, 4)
    monkeypatch.setattr("desunt.evaluate.conjectures.run.time.perf_counter", lambda: float(next(clock)))
    asked = answer(CountingSystem(), None, LINES[:10])
    # Four seconds for eight gaps, and four for the last two.
    assert [answer.seconds for answer in asked.answers[""]] == [0.5] * 8 + [2.0] * 2
    assert summarise(asked).rows[0].gaps_a_second == pytest.approx(10 / 8)


def test_a_last_line_that_was_cut_off_is_no_answer_and_any_other_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path / "cut.jsonl", row("a"), row("b"))
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    assert [answer.id for answer in read_answers(path)] == ["a"]
    path.write_bytes(content[:20] + b"\n" + content)
    with pytest.raises(InputError, match="line 1: no answer to a gap"):
        list(read_answers(path))


def test_answers_are_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    answer(CountingSystem(), path)
    content = path.read_bytes()
    with pytest.raises(UsageError, match="holds answers already"):
        AnswerFile(path, resume=False)
    assert path.read_bytes() == content


def test_answers_of_another_model_or_to_another_gap_are_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    answer(CountingSystem(), path)
    with pytest.raises(InputError, match="g0 is by another model"):
        answer(CountingSystem(cache_key="two"), path, resume=True)
    with pytest.raises(InputError, match="g0 is by another model"):
        answer(CountingSystem(), path, (gap("g0", before="She told the "), *LINES[1:]), resume=True)


def test_a_key_hangs_on_all_that_an_answer_hangs_on() -> None:
    system, one = CountingSystem(), gap("g", extent=Extent("character", 3, 5))
    others = [
        gap("h", extent=one.extent), gap("g", before="x ", extent=one.extent), gap("g", after=" y", extent=one.extent), gap("g"),
        gap("g", extent=Extent("character", 3, 6)), gap("g", extent=Extent("word", 3, 5)),
        gap("g", extent=one.extent, engine_reading="x"), gap("g", extent=one.extent, channel="garbled"),
    ]  # fmt: skip
    keys = [answer_key(system, line) for line in (one, *others)]
    assert len(set(keys)) == len(keys)
    assert answer_key(system, gap("g", extent=one.extent, answer="other", task="other")) == keys[0]
    ngram = NgramModel.train(TEXTS)
    more = LEXICON.with_names(iter(["Stalin"]))
    assert FullSystem(ngram, LEXICON).cache_key != FullSystem(ngram, more).cache_key
    assert FullSystem(ngram, LEXICON).cache_key != FullSystem(NgramModel.train(TEXTS[:5]), LEXICON).cache_key


def test_saved_answers_give_the_same_figures(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    asked = answer(CountingSystem(), path)
    joined = load_answers(LINES, [path], frozenset(line.id for line in LINES))
    assert summarise(joined).rows == summarise(asked).rows
    assert joined.notes == ()


def written(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def row(name: str, text: str = "Ambassador", **more: object) -> dict[str, object]:
    return {"id": name, "candidates": [{"text": text, "probability": 0.5}], "none_of_these": 0.5, "refusal": None, **more}


def test_lines_of_desunt_fill_are_joined_by_id_in_whatever_order(tmp_path: Path) -> None:
    lines = (gap("a"), gap("b", answer="Minister"), gap("c"))
    path = written(tmp_path / "filled.jsonl", row("b", "minister"), {**row("a"), "refusal": "too weak"})
    joined = load_answers(lines, [path], frozenset("abc"))
    assert joined.notes == ("1 of 3 gaps have no answer and are left out",)
    [found] = summarise(joined).rows
    assert (found.n, found.hits[1].value, found.refused, found.gaps_a_second) == (2, 1.0, 0.5, None)


def test_a_baseline_is_shown_only_on_the_same_gaps(tmp_path: Path) -> None:
    model = written(tmp_path / "model.jsonl", row("a"), row("b"))
    other = written(tmp_path / "other.jsonl", row("a", by="whole"), row("b", "x", by="whole"), row("a", by="cut"))
    joined = load_answers((gap("a"), gap("b")), [model, other], frozenset("ab"))
    assert list(joined.answers) == ["", "whole"]
    assert joined.notes == ("cut: only 1 of 2 gaps have its answer; it is left out",)
    assert summarise(joined).baselines[0].leads[0].value == 0.5


def test_answers_that_cannot_be_joined_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gap z is not in the file of gaps"):
        load_answers((gap("a"),), [written(tmp_path / "s.jsonl", row("a"), row("z"))], frozenset("a"))
    with pytest.raises(InputError, match="gap a is answered twice"):
        load_answers((gap("a"),), [written(tmp_path / "t.jsonl", row("a"), row("a"))], frozenset("a"))
    with pytest.raises(InputError, match="no answer to any"):
        load_answers((gap("a"),), [written(tmp_path / "u.jsonl", row("b"))], frozenset("ab"))
    with pytest.raises(InputError, match="line 1: no answer to a gap"):
        load_answers((gap("a"),), [written(tmp_path / "v.jsonl", {"id": "a"})], frozenset("a"))
    with pytest.raises(InputError, match="absent"):
        load_answers((gap("a"),), [tmp_path / "absent.jsonl"], frozenset("a"))


def words(line: GapLine) -> list[tuple[str, float]]:
    [opinion] = FrequentWords(LEXICON).answer([line])
    return [(candidate.text, candidate.probability) for candidate in opinion.candidates]


def test_frequent_words_have_the_length_and_their_share_of_those_that_fit() -> None:
    assert words(gap("a", extent=Extent("character", 4, 5))) == [("port", 0.8333), ("ports", 0.1666)]
    assert [text for text, _ in words(gap("a"))] == ["the", "port", "ports", "Ambassador", "Minister"]
    assert words(gap("a"))[0][1] == 0.6
    assert words(gap("a", extent=Extent("word", 1, 2))) == words(gap("a"))
    assert words(gap("a", extent=Extent("word", 2, 2))) == []
    assert [text for text, _ in words(gap("a", extent=Extent("character", 8, None)))] == ["Ambassador", "Minister"]


def test_frequent_words_keep_surviving_letters() -> None:
    line = GapLine("a", "the po", "s", Extent("character", 2, 2))
    assert words(line) == [("rt", 1.0)]
    assert words(GapLine("a", "the AMB", "dor", Extent("character", 4, 4))) == [("assa", 1.0)]
    assert words(GapLine("a", "the port", "s")) == []


class Known:
    """A model whose proposals and scores are known."""

    ref = ModelRef("known", "1", "0" * 64)

    def __init__(self, scores: dict[str, float]) -> None:
        self.scores, self.limits = scores, list[int]()

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        self.limits.append(limit)
        return [[Filling(text, -float(n)) for n, text in enumerate(self.scores)] for _ in contexts]

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        return [self.scores[text] for text in texts]


def test_the_untrained_baseline_ranks_its_own_proposals_by_both_sides_alone() -> None:
    model = Known({"first": -3.0, "second": -3.0 + math.log(3), "impossible": -math.inf})
    [opinion] = UntunedCausal(model).answer([gap("a", extent=Extent("character", 1, 2), engine_reading="first")])
    assert isinstance(opinion, Conjecture)
    assert [(c.text, c.probability) for c in opinion.candidates] == [("second", 0.75), ("first", 0.25)]
    assert model.limits == [80]
    [nothing] = UntunedCausal(Known({})).answer([gap("a")])
    assert (nothing.candidates, nothing.none_of_these) == ((), 1.0)


def test_twenty_are_kept_and_the_rest_stays_for_none_of_these() -> None:
    [opinion] = UntunedCausal(Known({f"w{n:02}": -1.0 for n in range(40)})).answer([gap("a")])
    assert [c.text for c in opinion.candidates] == [f"w{n:02}" for n in range(20)]
    assert opinion.none_of_these == pytest.approx(0.5)


def test_a_model_is_asked_with_all_evidence() -> None:
    system = FullSystem(NgramModel.train(TEXTS, min_count={2: 1, 3: 1, 4: 1}), LEXICON)
    found = system.answer([gap("a", extent=Extent("character", 9, 11), engine_reading="Arnbassador"), gap("a", before="She told the ")])
    assert found[0].candidates[0].text == "Ambassador"
    assert any(evidence.kind == "ink" for evidence in found[0].candidates[0].evidence)
    assert not any(evidence.kind == "ink" for evidence in found[1].candidates[0].evidence)
