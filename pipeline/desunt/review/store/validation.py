"""Which texts the store takes from a hand or a file."""

from __future__ import annotations

import re
import unicodedata

from desunt.review.store.errors import Invalid

# More than any gap of a page can hold; a limit all the same, for a hand that pastes a book.
MAX_TEXT_LETTERS = 20_000
MAX_NAME_LETTERS = 80
# Control characters (but tabs and line ends) and halves of letters: no file format and not every database takes them.
UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# What no reader can see: zero-width and direction marks, soft hyphens; joiners stay where a script needs them.
UNSEEN = re.compile(
    r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]|(?<![\u0600-\u06ff\u0900-\u0dff])[\u200c\u200d]"
)
# What looks like a space: tabs, line ends, spaces of other widths.
SPACE_LIKE = re.compile(r"[\t\n\r\x85\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
UID_PATTERN = re.compile(r"[0-9a-f]{32}")


def clean_text(text: str) -> str:
    """Return the text in NFC. Raises Invalid for characters that cannot be kept and for far too many."""
    if UNSTORABLE.search(text):
        raise Invalid("the text holds control characters or half letters", remedy="Type it anew")
    if len(text) > MAX_TEXT_LETTERS:
        raise Invalid(f"the text has {len(text)} letters; {MAX_TEXT_LETTERS} is the most")
    return unicodedata.normalize("NFC", text)


def visible_text(text: str) -> str:
    """Return what can be seen of a text that a hand typed or pasted, with plain spaces, none around it.

    Raises Invalid as `clean_text` does.
    """
    return SPACE_LIKE.sub(" ", UNSEEN.sub("", clean_text(text))).strip()


def visible_note(note: str) -> str:
    """Return what can be seen of a note, line by line: a reading is one line, a note may have several."""
    return "\n".join(visible_text(line) for line in note.splitlines()).strip()


def clean_name(name: str) -> str:
    """Return a name in NFC with single spaces. Raises Invalid if it is empty, too long, or holds what cannot be seen."""
    name = re.sub(" +", " ", unicodedata.normalize("NFC", name).strip())
    if not 1 <= len(name) <= MAX_NAME_LETTERS or not name.isprintable():
        raise Invalid(f"a name has 1 to {MAX_NAME_LETTERS} letters that can be seen", remedy="Give another one")
    return name
