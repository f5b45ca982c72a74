"""The words and names that may stand on a page, and how often each was seen."""

from __future__ import annotations

import lzma
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from desunt.errors import DependencyMissing, InputError
from desunt.lm.model_files import model_file

# A name the user gives is one he expects on the page: as common as a word seen now and then, and more than a rarity.
USER_NAME_COUNT = 50
OUTER_PUNCTUATION = "'\"“”‘’.,;:!?()[]{}<>«»*/\\|_~-–—=+^`°•"


def strip_punctuation(word: str) -> str:
    """Return the word without outer punctuation, its apostrophes typed straight."""
    return word.strip(OUTER_PUNCTUATION).replace("’", "'")


def comparison_key(text: str) -> str:
    """Return what makes two texts the same: case folded, spaces single, outer punctuation off unless there is nothing else."""
    folded = " ".join(text.replace("’", "'").casefold().split())
    return folded.strip(OUTER_PUNCTUATION + " ") or folded


# Compared and hashed by identity: what is worked out about a lexicon is kept, and must not cost a look at all its words to find again.
@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """Words by their case-folded form: `counts` how often seen, `surface_forms` how written most often (Stalin, not stalin).

    `total` is the number of running words behind the counts.
    """

    counts: Mapping[str, int]
    surface_forms: Mapping[str, str]
    total: int

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.count(word) > 0

    def __len__(self) -> int:
        return len(self.counts)

    def count(self, word: str) -> int:
        """Return how often the word was seen; for a possessive or a compound, its rarest part's count."""
        key = strip_punctuation(word).casefold()
        whole = self.counts.get(key, 0)
        if whole or not key:
            return whole
        parts = [part for part in key.removesuffix("'s").replace("/", "-").split("-") if part]
        # Single letters would let any chain of hyphens pass for a compound.
        if parts == [key] or any(len(part) < 2 for part in parts):
            return 0
        return min((self.counts.get(part, 0) for part in parts), default=0)

    def words_by_length(self, min_length: int, max_length: int, limit: int) -> tuple[str, ...]:
        """Return at most `limit` words of so many letters, most frequent first."""
        return tuple(islice((form for form in self.surface_forms.values() if min_length <= len(form) <= max_length), limit))

    def with_names(self, names: Iterator[str]) -> Lexicon:
        """Return a lexicon that also knows the names, each word of them and the whole."""
        counts, forms = dict(self.counts), dict(self.surface_forms)
        for name in names:
            for form in dict.fromkeys([strip_punctuation(name), *(strip_punctuation(part) for part in name.split())]):
                if key := form.casefold():
                    counts[key] = max(counts.get(key, 0), USER_NAME_COUNT)
                    forms.setdefault(key, form)
        ordered = sorted(forms.items(), key=lambda item: (-counts[item[0]], item[0]))
        return Lexicon(counts, dict(ordered), self.total)


def load_lexicon(extra: Path | None = None, models: Path | None = None) -> Lexicon:
    """Return the shipped lexicon, with the words of the user's file (one name a line, `#` starts a comment) if given.

    Raises InputError if the user's file cannot be read, and DependencyMissing if the shipped one is absent or damaged.
    """
    lexicon = _read_table(model_file("lexicon.tsv.xz", models))
    return lexicon if extra is None else lexicon.with_names(_read_names(extra))


def _read_names(path: Path) -> Iterator[str]:
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
    keys = [form.casefold() for form, _ in rows]
    counts = dict(zip(keys, (count for _, count in rows), strict=True))
    forms = dict(zip(keys, (form for form, _ in rows), strict=True))
    return Lexicon(counts, forms, sum(counts.values()))
