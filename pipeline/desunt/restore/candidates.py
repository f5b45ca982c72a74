"""The fillings that compete for a gap: the language model's, those of counted phrases, the lexicon's, the document's own names, and the
engine's reading mended.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice, zip_longest

from desunt.lm import Filling
from desunt.lm.length import letters_in, log_length
from desunt.lm.lexicon import Lexicon
from desunt.record.document import Extent, Letters
from desunt.restore.casing import Style, folded, restored, style_of
from desunt.restore.error_model import Confusion, cleaned, core, near
from desunt.restore.gap_query import Asked
from desunt.restore.multiword import together

POOL = 80
# How many each source may send; what the model proposes fills the rest.
NEAR_READING = 30
MENDED = 8
NAMES = 20
SURVIVORS = 40
# Words of the lexicon that are looked through for one gap: rarer ones than these are names, which come from the document.
VOCABULARY = 30_000
# Beyond one letter outside the extent a filling is not worth a model's time.
SHORTEST_CHANCE = -5.0
# Words that a phrase does not end with.
LINKS = (
    "a an the of to in on at by for with from and or but as if than that which who when while is are was were be been has have had not no"
    " its his their our this these he it we they i into upon between under there would should will may can could must"
)
BREAKS_OFF = frozenset(LINKS.split())


def gather(
    asked: Asked,
    proposed: Iterable[Filling],
    phrases: Iterable[Filling],
    confusion: Confusion,
    lexicon: Lexicon,
    names: Collection[str],
) -> list[Filling]:
    """Return the competing fillings in the case of the place, no two the same, with the score of the model that proposed them.

    `phrases` come from counted phrases; they and the model's own take turns. `names` are the document's own, and the lexicon knows them
    too. A filling the model did not propose has the score of its last one, less one: it was not among the best, no more is known.
    """
    context, style = asked.context, _style(asked)
    proposals = list(proposed)
    floor = min((p.score for p in proposals), default=0.0) - 1.0
    added = islice(_added(asked, confusion, lexicon, names), POOL // 2 if proposals else POOL)
    # A word that is given as garbled is not what was meant, whatever it looks like.
    wrong = folded(asked.ink) if asked.channel == "garbled" else ""
    # Beside surviving letters every space counts: it says where the word ends.
    same = str.casefold if context.letters != Letters() else folded
    pool: dict[str, Filling] = {}
    known = {filling.text: filling for filling in proposals}
    counted = (known.get(filling.text, Filling(filling.text, floor)) for filling in phrases)
    turns = chain.from_iterable(zip_longest(proposals, counted))
    for filling in [*(Filling(text, floor) for text in added), *(one for one in turns if one)]:
        text = _dressed(filling.text, style, lexicon, context.letters)
        if not text.strip() or same(text) == wrong or not _may_fit(text, asked):
            continue
        rival = pool.get(same(text))
        if rival is None and len(pool) >= POOL:
            continue
        if rival is None or filling.score > rival.score or (_oddly_cased(rival.text) and not _oddly_cased(text)):
            pool[same(text)] = Filling(text, filling.score if rival is None else max(filling.score, rival.score))
    return list(pool.values())


def _oddly_cased(text: str) -> bool:
    """Tell whether a word has capitals after small letters or among them, as an engine's `nO` has: the word written plainly is meant."""
    return any(word != word.lower() and word != word.upper() and word[1:] != word[1:].lower() for word in text.split())


def _style(asked: Asked) -> Style:
    """Return the style of the place; ink in capitals outweighs a text that is not (a heading, a code name)."""
    context, ink = asked.context, [sign for sign in asked.ink if sign.isalpha()]
    style = style_of(context.before, context.after, inside_word=bool(context.letters.before))
    loud = len(ink) >= 3 and sum(sign.isupper() for sign in ink) > len(ink) / 2
    return replace(style, capitals=style.capitals or loud)


def _may_fit(text: str, asked: Asked) -> bool:
    """Tell whether the length leaves a chance: a box that holds specks beside the word says little, so ink is not cut off by length.

    To the end of a line, what breaks off in the middle of a phrase is no reading.
    """
    if asked.kind == "open" and folded(text).split(" ")[-1] in BREAKS_OFF:
        return False
    return bool(asked.ink) or log_length(text, asked.context.extent) >= SHORTEST_CHANCE


def _dressed(text: str, style: Style, lexicon: Lexicon, letters: Letters) -> str:
    if letters.before or letters.after:
        return text.upper() if style.capitals else text
    return restored(text, style, lambda word: lexicon.forms.get(word.casefold(), word))


def _added(asked: Asked, confusion: Confusion, lexicon: Lexicon, names: Collection[str]) -> Iterator[str]:
    """Yield what the language model may not think of, the best founded first."""
    context, ink = asked.context, asked.ink
    if ink:
        capitals = _style(asked).capitals
        yield from together(cleaned(ink), confusion, lexicon, capitals=capitals)
        # What another engine read is as likely as what this one's mending gives.
        yield from map(cleaned, asked.inks[1:])
        for reading in _readings(asked):
            yield from _mended(reading, confusion, lexicon, capitals=capitals)
    if context.letters.before or context.letters.after:
        yield from islice(_survivors(context.letters, context.extent, lexicon), SURVIVORS)
    if context.extent is not None:
        fitting = (name for name in sorted(names) if log_length(name, context.extent) == 0.0)
        yield from islice(fitting, NAMES)


def _readings(asked: Asked) -> Iterable[str]:
    """Return what the reading may be a misreading of: its core without specks, all of it, all of it as one word."""
    whole = cleaned(asked.ink)
    # Who garbles a word adds no specks.
    inner = whole if asked.channel == "garbled" else core(asked.ink)
    return dict.fromkeys((inner, whole, whole.replace(" ", ""), *map(core, asked.inks[1:])))


def _mended(ink: str, confusion: Confusion, lexicon: Lexicon, *, capitals: bool) -> Iterator[str]:
    """Yield the reading itself, readings with one confusion undone, and words near it by the confusion's own measure."""
    yield ink
    undone = confusion.undone(ink, 60)
    yield from [text for text in undone if text in lexicon][:MENDED]
    length = len(ink)
    words = lexicon.words_of(max(1, length - 3), length + 3, VOCABULARY)
    coarse = near(ink, words, 2 * NEAR_READING)
    written = dict.fromkeys(word.upper() if capitals else word for word in coarse)
    weighed = sorted((-confusion.log_likelihood(ink, word), word) for word in written)
    yield from [word for _, word in weighed[:NEAR_READING]]
    yield from undone[:MENDED]


def _survivors(letters: Letters, extent: Extent | None, lexicon: Lexicon) -> Iterator[str]:
    """Yield what completes the surviving letters to a known word, or to two words where the gap runs over a space."""
    least, most = (extent.least, extent.most or 12) if extent is not None and extent.unit == "character" else (1, 12)
    kept = len(letters.before) + len(letters.after)
    words = lexicon.words_of(kept + least, kept + most, VOCABULARY)
    yield from _between(words, letters, least, most)
    if not letters.before or not letters.after:
        return
    # A word that is whole without the gap needs no letter more: `statemen[t to all]`, `the [probabi]lity`.
    heads = _completions(letters.before, "", most, lexicon)
    tails = _completions("", letters.after, most, lexicon)
    pairs = (f"{head} {tail}" for head in heads for tail in tails)
    yield from (pair for pair in pairs if least <= letters_in(pair) <= most)


def _between(words: Iterable[str], letters: Letters, least: int, most: int) -> Iterator[str]:
    head, tail = re.escape(letters.before), re.escape(letters.after)
    pattern = re.compile(f"{head}(.{{{least},{most}}}){tail}", re.IGNORECASE)
    for word in words:
        found = pattern.fullmatch(word)
        if found:
            yield found[1]


def _completions(head: str, tail: str, most: int, lexicon: Lexicon) -> list[str]:
    kept = len(head) + len(tail)
    words = lexicon.words_of(kept, kept + most, VOCABULARY)
    return list(islice(_between(words, Letters(head, tail), 0, most), 12))
