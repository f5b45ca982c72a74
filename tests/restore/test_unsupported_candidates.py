"""Names, figures and dates that neither ink nor a second occurrence supports: possible, and no more."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from desunt.export import load_exporter
from desunt.export.wording import POSSIBLE_HEADING
from desunt.lm import Context, Filling
from desunt.lm.lexicon import Lexicon
from desunt.record.conjecture import CONJECTURE_LABEL, Candidate, ModelRef, Opinion, Refusal, split_by_support
from desunt.record.document import Extent, Gap, Letters
from desunt.record.files import Record, type_adapter
from desunt.restore import restore
from desunt.restore.gap_query import GapQuery
from tests.support.records import candidates, sample_record

TEXTS = ("port", "Moscow", "the port of Dairen", "Monday", "fourteen", "1945", "Soviet")
WORDS = {word: word for word in ("port", "the", "of", "fourteen")} | {"moscow": "Moscow", "monday": "Monday", "soviet": "Soviet"}
LEXICON = Lexicon(dict.fromkeys(WORDS, 100), WORDS, 10_000)


class Listing:
    """A model that proposes the same texts everywhere, in this order."""

    ref = ModelRef("listing", "1", "0" * 64)

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        return [[Filling(text, -float(place)) for place, text in enumerate(TEXTS)] for _ in contexts]

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        return [-float(TEXTS.index(text)) if text in TEXTS else -30.0 for text in texts]


def one(before: str, after: str, *, reading: str | None = None, names: Sequence[str] = (), letters: Letters | None = None) -> Opinion:
    gap = Gap("g", None, Extent("word", 1, 4), "illegible", reading, letters or Letters(), continues=False)
    return restore([GapQuery(gap, before, after)], Listing(), lexicon=LEXICON, names=names, limit=100)[0]


def possible(opinion: Opinion) -> set[str]:
    return {candidate.text for candidate in opinion.candidates if candidate.possible} & set(TEXTS)


AFTER = " was agreed with the Soviet side."


def test_names_figures_and_dates_are_possible_and_other_words_are_not() -> None:
    opinion = one("he said that the ", AFTER)
    assert possible(opinion) == {"Moscow", "the port of Dairen", "Monday", "1945"}
    assert set(TEXTS) - possible(opinion) <= {candidate.text for candidate in opinion.candidates}


def test_a_second_occurrence_or_ink_supports_them() -> None:
    assert "Moscow" not in possible(one("In Moscow he said that the ", AFTER))
    assert "1945" not in possible(one("in 1945 he said that the ", AFTER))
    assert "Moscow" not in possible(one("he said that the ", AFTER, names=["Moscow"]))
    assert possible(one("he said that the ", AFTER, reading="Moscqw")) == set()


def test_probability_and_order_are_what_they_were() -> None:
    plain, other = one("he said that the ", AFTER), one("in 1945, in Moscow, on Monday, he said that the ", AFTER)
    assert len(possible(plain)) > len(possible(other))
    assert [(c.text, c.probability) for c in plain.candidates] == [(c.text, c.probability) for c in other.candidates]
    assert plain.none_of_these == other.none_of_these


def test_where_all_is_in_capitals_known_words_are_no_names() -> None:
    found = one("HE SAID THAT THE ", AFTER.upper())
    marks = {candidate.text: candidate.possible for candidate in found.candidates}
    assert (marks["MOSCOW"], marks["PORT"]) == (True, False)


def test_candidates_are_parted_in_order() -> None:
    listed = tuple(Candidate(text, 0.1, possible=text.isupper()) for text in ("a", "B", "c", "D"))
    supported, unsupported = split_by_support(listed)
    assert ([c.text for c in supported], [c.text for c in unsupported]) == (["a", "c"], ["B", "D"])


def with_possible(*, refused: bool = False) -> Record:
    record = sample_record()
    made = candidates(("quondam", 0.5), ("Zephyr", 0.2), ("quorum", 0.1))
    marked = tuple(replace(candidate, possible=candidate.text == "Zephyr") for candidate in made)
    first = record.opinions["g1"]
    opinion: Opinion = Refusal("g1", "weak", marked, 0.2, first.model) if refused else replace(first, candidates=marked, none_of_these=0.2)
    return replace(record, opinions={"g1": opinion})


def exported(name: str, record: Record) -> str:
    return b"".join(load_exporter(name).export(record, lambda _: None, "apparatus")).decode()


@pytest.mark.parametrize("refused", [False, True])
def test_the_apparatus_lists_them_under_a_heading_of_their_own(refused: bool) -> None:
    text = exported("apparatus", with_possible(refused=refused))
    mark = f"{CONJECTURE_LABEL}, not offered:" if refused else f"{CONJECTURE_LABEL}:"
    lines = [line for line in text.splitlines() if CONJECTURE_LABEL in line and re.match(r"\d+\. ", line)]
    assert [line.split(" `")[1].split("`")[0] for line in lines] == ["quondam", "quorum", "Zephyr"]
    assert all(mark in line for line in lines)
    heading = text.index(f"{POSSIBLE_HEADING}:")
    assert text.index("`quorum`") < heading < text.index("`Zephyr`")
    assert "20.0 %" in text[heading:]


def test_without_such_candidates_no_display_has_the_heading() -> None:
    for name in ("apparatus", "html"):
        assert POSSIBLE_HEADING not in exported(name, sample_record())


def test_html_lists_them_under_the_heading_and_never_opened() -> None:
    text = exported("html", with_possible())
    heading = text.index(POSSIBLE_HEADING)
    assert text.index(">quorum<") < heading < text.index(">Zephyr<")
    assert "<details open>" not in text[heading : text.index(">Zephyr<")]


def test_json_marks_them() -> None:
    gap = next(gap for gap in json.loads(exported("json", with_possible()))["gaps"] if gap["id"] == "g1")
    assert [(c["text"], c["possible"], c["probability"]) for c in gap["candidates"]] == [
        ("quondam", False, 0.5), ("Zephyr", True, 0.2), ("quorum", False, 0.1),
    ]  # fmt: skip


def test_records_written_before_there_was_the_mark_are_read() -> None:
    read = type_adapter(Candidate).validate_json(b'{"text": "a", "probability": 0.5, "evidence": []}', strict=True)
    assert not read.possible
