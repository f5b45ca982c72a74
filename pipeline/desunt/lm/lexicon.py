"""The words and names that may stand on a page, and how often each was seen."""

from __future__ import annotations

import lzma
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from desunt.errors import DependencyMissing, InputError
from desunt.lm.model_files import model_file

# A name the user gives is one he expects on the page: as common as a word seen now and then, and more than a rarity.
COUNT_OF_A_NAME = 50
OUTER = "'\"“”‘’.,;:!?()[]{}<>«»*/\\|_~-–—=+^`°•"


def bare(word: str) -> str:
    """Return the word without outer punctuation, its apostrophes typed straight."""
    return word.strip(OUTER).replace("’", "'")


# Compared and hashed by identity: what is worked out about a lexicon is kept, and must not cost a look at all its words to find again.
@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """Words by their case-folded form: `counts` how often seen, `forms` how written most often (Stalin, not stalin).

    `total` is the number of running words behind the counts.
    """

    counts: Mapping[str, int]
    forms: Mapping[str, str]
    total: int

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.count(word) > 0

    def __len__(self) -> int:
        return len(self.counts)

    def count(self, word: str) -> int:
        """Return how often the word was seen; for a possessive or a compound, its rarest part's count."""
        folded = bare(word).casefold()
        whole = self.counts.get(folded, 0)
        if whole or not folded:
            return whole
        parts = [part for part in folded.removesuffix("'s").replace("/", "-").split("-") if part]
        # Single letters would let any chain of hyphens pass for a compound.
        if parts == [folded] or any(len(part) < 2 for part in parts):
            return 0
        return min((self.counts.get(part, 0) for part in parts), default=0)

    def words_of(self, length_least: int, length_most: int, limit: int) -> tuple[str, ...]:
        """Return at most `limit` words of so many letters, most frequent first."""
        found = (form for form in self.forms.values() if length_least <= len(form) <= length_most)
        return tuple(word for word, _ in zip(found, range(limit), strict=False))

    def with_names(self, names: Iterator[str]) -> Lexicon:
        """Return a lexicon that also knows the names, each word of them and the whole."""
        counts, forms = dict(self.counts), dict(self.forms)
        for name in names:
            for form in dict.fromkeys([bare(name), *(bare(part) for part in name.split())]):
                folded = form.casefold()
                if folded:
                    counts[folded] = max(counts.get(folded, 0), COUNT_OF_A_NAME)
                    forms.setdefault(folded, form)
        ordered = sorted(forms.items(), key=lambda item: (-counts[item[0]], item[0]))
        return Lexicon(counts, dict(ordered), self.total)


def load_lexicon(extra: Path | None = None, models: Path | None = None) -> Lexicon:
    """Return the shipped lexicon, with the words of the user's file (one name a line, `#` starts a comment) if given.

    Raises InputError if the user's file cannot be read, and DependencyMissing if the shipped one is absent or damaged.
    """
    lexicon = _read_table(model_file("lexicon.tsv.xz", models))
    return lexicon if extra is None else lexicon.with_names(_names(extra))


def _names(path: Path) -> Iterator[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the lexicon cannot be read ({error})", remedy="It must be a UTF-8 text file, one name a line") from None
    return (line.strip() for line in lines if line.strip() and not line.startswith("#"))


@cache
def _read_table(path: Path) -> Lexicon:
    try:
        with lzma.open(path, "rt", encoding="utf-8") as stream:
            rows = [(form, int(count)) for form, count in (line.rstrip("\n").split("\t") for line in stream if line[0] != "#")]
    except (OSError, ValueError, lzma.LZMAError, EOFError) as error:
        raise DependencyMissing(f"{path}: the lexicon is damaged ({error})", remedy="Install desunt again") from None
    folded = [form.casefold() for form, _ in rows]
    counts = dict(zip(folded, (count for _, count in rows), strict=True))
    forms = dict(zip(folded, (form for form, _ in rows), strict=True))
    return Lexicon(counts, forms, sum(counts.values()))
