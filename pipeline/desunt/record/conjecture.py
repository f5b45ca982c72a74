"""Opinions: what a model supposes a gap said, and what an editor decided; and the one place where they meet the facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from desunt.record.document import Gap, Line, Word

EvidenceKind: TypeAlias = Literal["context", "ink", "length", "lexicon"]
Verdict: TypeAlias = Literal["accepted", "amended", "corrected", "rejected", "left-open", "withheld", "blank", "handwriting"]
Basis: TypeAlias = Literal["ink", "guess"]

CONJECTURE_LABEL = "CONJECTURE"
# Probabilities are rounded so that a second run on the same machine writes the same bytes (DESIGN.md section 4).
PROBABILITY_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one factor says for or against a candidate: a natural logarithm, and a sentence for the editor."""

    kind: EvidenceKind
    score: float
    says: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One proposed filling; `probability` is calibrated, 0-1.

    `possible` says that it is no more than that: it holds a name, a figure or a date that neither ink nor a second occurrence supports.
    Displays list such candidates apart, under a heading that says so, and no single key accepts one; their probability is unchanged.
    """

    text: str
    probability: float
    evidence: tuple[Evidence, ...] = ()
    possible: bool = False

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("a candidate must have text")
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"probability of {self.text!r} must lie in 0-1, not {self.probability}")


def _check_mass(gap_id: str, candidates: tuple[Candidate, ...], none_of_these: float) -> None:
    total = none_of_these + sum(c.probability for c in candidates)
    if not 0.0 <= none_of_these <= 1.0 or total > 1.0 + 0.002:
        raise ValueError(f"gap {gap_id}: candidates and none-of-these add up to {total:.4f}")
    if list(candidates) != sorted(candidates, key=lambda c: -c.probability):
        raise ValueError(f"gap {gap_id}: candidates are not best first")


def split_by_support(candidates: tuple[Candidate, ...]) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
    """Return the candidates that something supports, and those that are only possible, each best first."""
    return tuple(c for c in candidates if not c.possible), tuple(c for c in candidates if c.possible)


@dataclass(frozen=True, slots=True)
class ModelRef:
    """The model that was asked: its name, revision, and the hash of its weights."""

    name: str
    revision: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Conjecture:
    """The candidates for one gap, best first, and the probability that the truth is none of them.

    `context` is the text before and after the gap that the model was shown.
    """

    gap_id: str
    candidates: tuple[Candidate, ...]
    none_of_these: float
    model: ModelRef
    context: tuple[str, str]

    def __post_init__(self) -> None:
        _check_mass(self.gap_id, self.candidates, self.none_of_these)


@dataclass(frozen=True, slots=True)
class Refusal:
    """No reading is offered, and why; the ranked candidates stay on record, behind the reason."""

    gap_id: str
    reason: str
    candidates: tuple[Candidate, ...] = ()
    none_of_these: float = 1.0
    model: ModelRef | None = None
    context: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        _check_mass(self.gap_id, self.candidates, self.none_of_these)
        if not self.reason.strip():
            raise ValueError(f"gap {self.gap_id}: a refusal must say why")


Opinion: TypeAlias = Conjecture | Refusal


@dataclass(frozen=True, slots=True)
class Decision:
    """What an editor decided about a gap, on what basis, and what was shown at that moment (ISO 8601 time, UTC).

    `gap_id` is a word's id where the verdict is `corrected`: a word that was read, and that the editor reads otherwise.
    `confirmed_by` names the second readers who came to the same reading without seeing it.
    """

    gap_id: str
    verdict: Verdict
    basis: Basis | None
    text: str | None
    editor: str
    at: str
    shown: tuple[str, ...] = ()
    note: str = ""
    confirmed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    word: Word


@dataclass(frozen=True, slots=True)
class Corrected:
    """A word that was read, and that an editor reads otherwise."""

    word: Word
    decision: Decision


@dataclass(frozen=True, slots=True)
class Illegible:
    """A gap about which nothing is supposed: withheld, blank, or not yet asked."""

    gap: Gap


@dataclass(frozen=True, slots=True)
class Conjectured:
    gap: Gap
    conjecture: Conjecture


@dataclass(frozen=True, slots=True)
class Refused:
    gap: Gap
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Decided:
    gap: Gap
    decision: Decision
    opinion: Opinion | None


Segment: TypeAlias = Read | Corrected | Illegible | Conjectured | Refused | Decided


def segments(line: Line, opinions: Mapping[str, Opinion], decisions: Mapping[str, Decision]) -> Iterator[Segment]:
    """Join the facts of a line with the opinions and decisions about its gaps and words; both are looked up by id.

    This is the only function in which facts and opinions meet: every exporter and the desk consume what it yields.
    """
    for token in line.tokens:
        decision = decisions.get(token.id)
        if isinstance(token, Word):
            yield Corrected(token, decision) if decision else Read(token)
            continue
        opinion = opinions.get(token.id)
        if decision is not None:
            yield Decided(token, decision, opinion)
        elif isinstance(opinion, Conjecture):
            yield Conjectured(token, opinion)
        elif isinstance(opinion, Refusal):
            yield Refused(token, opinion)
        else:
            yield Illegible(token)
