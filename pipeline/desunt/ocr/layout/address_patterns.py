"""Words by which the lines of an address, a date line or a salutation are known."""

from __future__ import annotations

import re

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?,?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?,?"
TITLE = r"(?:The )?(?:Honou?rable|Hon[.,]|Right Hon|Dr[.,]|Mrs?[.,]|Miss\b|Messrs|Prof[.,]|Sir [A-Z]|Rev[.,])"
# What opens the address of a letter, or the lines that say from whom, to whom and about what it is.
ADDRESS_OPENING = re.compile(
    rf"^{TITLE}|^(?:TO|FROM|VIA|ATTN|ATTENTION|SUBJECT|THRU|THROUGH|INFO|REFERENCE|REF)\b\s*[:;.,-]"
    r"|^MEMORANDUM (?:FOR|TO)\b|^Subject\s*[:;]|^No\. \d|^c/o\b"
)
DATE = re.compile(rf"\b{_MONTH} {_DAY} ?['’]?\d{{2,4}}|\b{_DAY} {_MONTH} ?\d{{2,4}}", re.IGNORECASE)
SALUTATION = re.compile(r"^(?:(?:My )?[Dd]ear\b.{0,40}|Sirs?|Gentlemen|Madam|Excellency)\W*$")
# The number of a page or a paper, alone in its line.
PAGE_NUMBER = re.compile(r"^\W*(?:page )?\d[\d\W]{0,16}$", re.IGNORECASE)
# A date line has no more words.
MAX_DATE_LINE_WORDS = 9


def opens_address(text: str) -> bool:
    """Tell whether a line opens an address or a block of references: a title, `TO:`, `SUBJECT:`, a number, a date alone."""
    return bool(ADDRESS_OPENING.match(text)) or is_date_line(text)


def is_date_line(text: str) -> bool:
    """Tell whether a line is of a place and a date."""
    return len(text.split()) <= MAX_DATE_LINE_WORDS and bool(DATE.search(text))
