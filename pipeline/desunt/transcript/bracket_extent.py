"""How much a bracketed mark says is lost: `two words illegible`, `1 paragraph (3 lines)`, `less than 1 line`, `[????]`."""

from __future__ import annotations

import re

from desunt.record.document import Extent, Unit

NUMBER_WORDS: dict[str, float] = {
    "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "seven": 7.0, "eight": 8.0, "nine": 9.0, "ten": 10.0,
    "eleven": 11.0, "twelve": 12.0, "thirteen": 13.0, "fourteen": 14.0, "fifteen": 15.0, "sixteen": 16.0, "twenty": 20.0,
    "a": 1.0, "an": 1.0, "single": 1.0, "half": 0.5, "couple": 2.0, "½": 0.5, "¼": 0.25, "¾": 0.75,
}  # fmt: skip
UNIT_WORDS: dict[str, Unit] = {
    "letter": "character", "character": "character", "char": "character", "digit": "character", "figure": "character",
    "word": "word", "group": "word",
    "line": "line",
}  # fmt: skip
AT_MOST, BELOW = ("up to", "at most"), ("less than", "less then", "fewer than", "under")
AT_LEAST, ABOVE = ("at least",), ("more than", "over")
ABOUT = ("about", "approximately", "approx.", "approx", "around", "roughly", "circa", "ca.", "c.", "perhaps", "probably", "some", "~")
OPEN_QUANTITIES = ("several", "few", "many", "some")

_NUMBER_WORD = r"\d+|" + "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_NUMBER = rf"(?:(?P<whole>\d+)\s*[-–—]?\s*(?:and\s+)?(?P<part>½|¼|¾|[1-3]/[1-4]|a\s+half)|(?P<bare>[1-3]/[1-4])|(?P<n>{_NUMBER_WORD}))"
_UNIT = rf"(?P<unit>{'|'.join(UNIT_WORDS)})(?P<plural>s?)\b"
_QUALIFIER = "|".join(re.escape(q) for q in sorted((*AT_MOST, *BELOW, *AT_LEAST, *ABOVE, *ABOUT), key=len, reverse=True))
_COUNTED = re.compile(
    rf"(?:(?P<qualifier>{_QUALIFIER})\s*)?(?<![\w½])(?:a\s+)?{_NUMBER}(?:\s*(?:-|–|—|to|or)\s*(?P<more>{_NUMBER_WORD}))?"
    rf"\s*(?:of\s+)?(?:(?:(?!and\b)[^\W\d_]+\s+){{0,2}})?(?<![^\W\d_]){_UNIT}"
)
_UNCOUNTED = re.compile(rf"(?:\b(?P<open>{'|'.join(OPEN_QUANTITIES)})\s+)?\b{_UNIT}")


def exact_letters(count: int) -> Extent:
    """Return the extent of a mark that writes one sign a letter."""
    return Extent("character", count, count)


def extent_of(content: str) -> Extent | None:
    """Return what the words of a mark (lower case, without brackets) say of its length; None if nothing, or two lengths at once.

    `1 paragraph (3 lines)` counts what is in parentheses.
    """
    parenthesis = re.search(r"\(([^()]*)\)", content)
    if parenthesis and (extents := _all_extents(parenthesis.group(1))):
        return extents[0]
    extents = _all_extents(content)
    return extents[0] if len(extents) == 1 else None


def _all_extents(content: str) -> list[Extent]:
    counted = [_counted_extent(match) for match in _COUNTED.finditer(content)]
    return counted or [_uncounted_extent(match) for match in _UNCOUNTED.finditer(content)]


def _counted_extent(match: re.Match[str]) -> Extent:
    number = _number_of(match)
    least, most = int(number), int(-(-number // 1))
    if match["more"]:
        most = max(least, int(-(-_parse_number(match["more"]) // 1)))
    return _apply_qualifier(match["qualifier"] or "", UNIT_WORDS[match["unit"]], least, max(1, most))


def _apply_qualifier(qualifier: str, unit: Unit, least: int, most: int) -> Extent:
    if qualifier in BELOW:
        return Extent(unit, 0, most)
    if qualifier in AT_MOST:
        return Extent(unit, min(1, most), most)
    if qualifier in AT_LEAST + ABOVE:
        return Extent(unit, least, None)
    if qualifier in ABOUT:
        # An editor's estimate: half as much and half as much again.
        return Extent(unit, max(1, least - least // 2), most + (most + 1) // 2)
    return Extent(unit, least, most)


def _uncounted_extent(match: re.Match[str]) -> Extent:
    return Extent(UNIT_WORDS[match["unit"]], 2, None) if match["plural"] else Extent(UNIT_WORDS[match["unit"]], 1, 1)


def _number_of(match: re.Match[str]) -> float:
    if match["whole"]:
        return _parse_number(match["whole"]) + _parse_number(match["part"])
    return _parse_number(match["bare"] or match["n"])


def _parse_number(number: str) -> float:
    if "/" in number:
        numerator, denominator = number.split("/")
        return int(numerator) / int(denominator)
    if number.isdecimal():
        # An absurd count would only make the language model work for ever.
        return float(min(int(number[:6]), 10_000))
    return 0.5 if number.endswith("half") else NUMBER_WORDS[number]
