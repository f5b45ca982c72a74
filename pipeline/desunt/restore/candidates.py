"""The fillings that compete for a gap: the language model's, the n-gram model's, the lexicon's, the document's own names, and the
engine's reading corrected.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice, zip_longest

from desunt.lm import Filling
from desunt.lm.length import count_graphemes, length_log_prob
from desunt.lm.lexicon import Lexicon, comparison_key
from desunt.record.document import Extent, Letters
from desunt.restore.casing import Style, style_of, truecase
from desunt.restore.error_model import ErrorModel, longest_part, nearest_words, strip_marks
from desunt.restore.gap_query import GapQuery
from desunt.restore.multiword import segmentations

POOL_SIZE = 80
# How many each source may send; what the model proposes fills the rest.
MAX_NEAREST_WORDS = 30
MAX_CORRECTIONS = 8
MAX_NAMES = 20
MAX_COMPLETIONS = 40
# Of one word of the two that a gap may run over, and corrections looked up in the lexicon.
MAX_HALF_COMPLETIONS = 12
MAX_CORRECTIONS_TRIED = 60
# Words of the lexicon that are looked through for one gap: rarer ones than these are names, which come from the document.
MAX_LEXICON_WORDS = 30_000
# What a word may be longer or shorter than its misreading, and the most that a gap of unknown length takes off a word.
MAX_LENGTH_DIFFERENCE = 3
MAX_OPEN_LETTERS = 12
# Beyond one letter outside the extent a filling is not worth a model's time.
MIN_LENGTH_LOG_PROB = -5.0
# Words that a phrase does not end with.
LINKS = (
    "a an the of to in on at by for with from and or but as if than that which who when while is are was were be been has have had not no"
    " its his their our this these he it we they i into upon between under there would should will may can could must"
)
LINKING_WORDS = frozenset(LINKS.split())


def candidate_pool(
    query: GapQuery,
    proposed: Iterable[Filling],
    ngram_proposed: Iterable[Filling],
    error_model: ErrorModel,
    lexicon: Lexicon,
    names: Collection[str],
) -> list[Filling]:
    """Return the competing fillings in the case of the place, no two the same, with the score of the model that proposed them.

    What the n-gram model proposes and the language model's own take turns. `names` are the document's own, and the lexicon knows them
    too. A filling the model did not propose has the score of its last one, less one: it was not among the best, no more is known.
    """
    letters, style = query.context.letters, _style(query)
    proposals = list(proposed)
    floor = min((filling.score for filling in proposals), default=0.0) - 1.0
    others = islice(_other_sources(query, error_model, lexicon, names), POOL_SIZE // 2 if proposals else POOL_SIZE)
    # A word that is given as garbled is not what was meant, whatever it looks like.
    wrong = comparison_key(query.engine_reading) if query.channel == "garbled" else ""
    # Beside surviving letters every space counts: it says where the word ends.
    key_of = str.casefold if letters != Letters() else comparison_key
    pool: dict[str, Filling] = {}
    for filling in (*(Filling(text, floor) for text in others), *_take_turns(proposals, ngram_proposed, floor)):
        text = _in_style(filling.text, style, lexicon, letters)
        key = key_of(text)
        if not text.strip() or key == wrong or not _may_fit(text, query):
            continue
        rival = pool.get(key)
        if rival is None:
            if len(pool) < POOL_SIZE:
                pool[key] = Filling(text, filling.score)
        elif filling.score > rival.score or (_is_oddly_cased(rival.text) and not _is_oddly_cased(text)):
            pool[key] = Filling(text, max(filling.score, rival.score))
    return list(pool.values())


def _take_turns(proposals: list[Filling], ngram_proposed: Iterable[Filling], floor: float) -> Iterator[Filling]:
    """Yield the two models' fillings by turns; those of the n-gram model have the other's score where it proposed them too."""
    own = {filling.text: filling for filling in proposals}
    scored = (own.get(filling.text, Filling(filling.text, floor)) for filling in ngram_proposed)
    return (filling for filling in chain.from_iterable(zip_longest(proposals, scored)) if filling)


def _is_oddly_cased(text: str) -> bool:
    """Tell whether a word has capitals after small letters or among them, as an engine's `nO` has: the word written plainly is meant."""
    return any(word != word.lower() and word != word.upper() and word[1:] != word[1:].lower() for word in text.split())


def _style(query: GapQuery) -> Style:
    """Return the style of the place; a reading in capitals outweighs a text that is not (a heading, a code name)."""
    context, letters = query.context, [char for char in query.engine_reading if char.isalpha()]
    style = style_of(context.before, context.after, inside_word=bool(context.letters.before))
    capitals = len(letters) >= 3 and sum(char.isupper() for char in letters) > len(letters) / 2
    return replace(style, all_caps=style.all_caps or capitals)


def _may_fit(text: str, query: GapQuery) -> bool:
    """Tell whether the length leaves a chance: a box that holds specks beside the word says little, so what was read is not cut off by it.

    To the end of a line, what breaks off in the middle of a phrase is no reading.
    """
    if query.evidence_kind == "open" and comparison_key(text).split(" ")[-1] in LINKING_WORDS:
        return False
    return bool(query.engine_reading) or length_log_prob(text, query.context.extent) >= MIN_LENGTH_LOG_PROB


def _in_style(text: str, style: Style, lexicon: Lexicon, letters: Letters) -> str:
    if letters.before or letters.after:
        return text.upper() if style.all_caps else text
    return truecase(text, style, lambda word: lexicon.surface_forms.get(word.casefold(), word))


def _other_sources(query: GapQuery, error_model: ErrorModel, lexicon: Lexicon, names: Collection[str]) -> Iterator[str]:
    """Yield what the language model may not think of, the best founded first."""
    context = query.context
    if query.engine_reading:
        all_caps = _style(query).all_caps
        yield from segmentations(strip_marks(query.engine_reading), error_model, lexicon, all_caps=all_caps)
        # What another engine read is as likely as what correcting this one's gives.
        yield from map(strip_marks, query.engine_readings[1:])
        for reading in _possible_readings(query):
            yield from _corrections(reading, error_model, lexicon, all_caps=all_caps)
    if context.letters.before or context.letters.after:
        yield from islice(_completions_of_letters(context.letters, context.extent, lexicon), MAX_COMPLETIONS)
    if context.extent is not None:
        fitting = (name for name in sorted(names) if length_log_prob(name, context.extent) == 0.0)
        yield from islice(fitting, MAX_NAMES)


def _possible_readings(query: GapQuery) -> Iterable[str]:
    """Return what the reading may be a misreading of: its longest part without specks, all of it, all of it as one word."""
    whole = strip_marks(query.engine_reading)
    # Who garbles a word adds no specks.
    word = whole if query.channel == "garbled" else longest_part(query.engine_reading)
    return dict.fromkeys((word, whole, whole.replace(" ", ""), *map(longest_part, query.engine_readings[1:])))


def _corrections(reading: str, error_model: ErrorModel, lexicon: Lexicon, *, all_caps: bool) -> Iterator[str]:
    """Yield the reading itself, readings with one confusion undone, and words near it by the error model's own measure."""
    yield reading
    corrections = error_model.corrections(reading, MAX_CORRECTIONS_TRIED)
    yield from [text for text in corrections if text in lexicon][:MAX_CORRECTIONS]
    min_length, max_length = max(1, len(reading) - MAX_LENGTH_DIFFERENCE), len(reading) + MAX_LENGTH_DIFFERENCE
    words = lexicon.words_by_length(min_length, max_length, MAX_LEXICON_WORDS)
    near = dict.fromkeys(word.upper() if all_caps else word for word in nearest_words(reading, words, 2 * MAX_NEAREST_WORDS))
    ranked = sorted((-error_model.log_likelihood(reading, word), word) for word in near)
    yield from [word for _, word in ranked[:MAX_NEAREST_WORDS]]
    yield from corrections[:MAX_CORRECTIONS]


def _completions_of_letters(letters: Letters, extent: Extent | None, lexicon: Lexicon) -> Iterator[str]:
    """Yield what completes the surviving letters to a known word, or to two words where the gap runs over a space."""
    least, most = 1, MAX_OPEN_LETTERS
    if extent is not None and extent.unit == "character":
        least, most = extent.least, extent.most or MAX_OPEN_LETTERS
    yield from _completions(letters, least, most, lexicon)
    if not letters.before or not letters.after:
        return
    # A word that is whole without the gap needs no letter more: `statemen[t to all]`, `the [probabi]lity`.
    heads = list(islice(_completions(Letters(letters.before, ""), 0, most, lexicon), MAX_HALF_COMPLETIONS))
    tails = list(islice(_completions(Letters("", letters.after), 0, most, lexicon), MAX_HALF_COMPLETIONS))
    pairs = (f"{head} {tail}" for head in heads for tail in tails)
    yield from (pair for pair in pairs if least <= count_graphemes(pair) <= most)


def _completions(letters: Letters, least: int, most: int, lexicon: Lexicon) -> Iterator[str]:
    """Yield what stands between the letters in known words that have them at their ends."""
    surviving = len(letters.before) + len(letters.after)
    pattern = re.compile(f"{re.escape(letters.before)}(.{{{least},{most}}}){re.escape(letters.after)}", re.IGNORECASE)
    for word in lexicon.words_by_length(surviving + least, surviving + most, MAX_LEXICON_WORDS):
        if match := pattern.fullmatch(word):
            yield match[1]
