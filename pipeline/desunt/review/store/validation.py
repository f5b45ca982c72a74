"""Which texts the store takes from a hand or a file."""

from __future__ import annotations

import re
import unicodedata

from desunt.review.store.errors import Invalid

# More than any gap of a page can hold; a limit all the same, for a hand that pastes a book.
LONGEST = 20_000
# Control characters (but tabs and line ends) and halves of letters: no file format and not every database takes them.
UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
UID = re.compile(r"[0-9a-f]{32}")


def clean(text: str) -> str:
    """Return the text in NFC. Raises Invalid for characters that cannot be kept and for far too many."""
    if UNFIT.search(text):
        raise Invalid("the text holds control characters or half letters", remedy="Type it anew")
    if len(text) > LONGEST:
        raise Invalid(f"the text has {len(text)} letters; {LONGEST} is the most")
    return unicodedata.normalize("NFC", text)


def clean_name(name: str) -> str:
    """Return the name of a user. Raises Invalid if it is empty, too long, or holds what cannot be seen."""
    name = clean(name).strip()
    if not name or len(name) > 80 or not name.isprintable():
        raise Invalid(f"{name[:80]!r} is no name for a user: 1 to 80 letters that can be seen")
    return name
