"""The vocabulary of the bracket grammar: the words and patterns by which a bracket is known."""

from __future__ import annotations

import re

from desunt.transcript.bracket_extent import NUMBER_WORDS, OPEN_QUANTITIES, UNIT_WORDS


def _vocabulary(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that say by themselves that something was not read.
LOSS_WORDS = _vocabulary("""
    illegible illeg illegibly unreadable unclear garble garbled garbles indecipherable undecipherable undecypherable indistinct inaudible
    unintelligible unleserlich illisible ilegible illeggibile onleesbaar неразборчиво нрзб
""")
# Words that say so only of text or paper, or alone.
WEAK_LOSS_WORDS = _vocabulary("missing torn lacuna faded blurred smudged obscured damaged gap mutilated burned burnt stained lost gone cut")
WEAK_LOSS_WORDS_ALONE = _vocabulary("missing torn lacuna faded blurred smudged obscured damaged gap mutilated")
PAGE_PART_WORDS = _vocabulary("""
    text passage portion part section remainder rest page pages paper corner edge line lines word words letter letters paragraph
    paragraphs sentence sentences phrase name names character characters date number signature hole tear group groups
""")
# Words that may stand beside them without changing what they say.
NEUTRAL_WORDS = (
    _vocabulary("""
    a an the of in on at by is are was were to and or as due because here original source document carbon copy typescript manuscript end
    beginning handwriting handwritten hand hands pencil ink pen signed initials initial stamp stamps stamped marginalia marginal
    annotation note notes notation partially partly mostly entirely largely apparently apparent probably possibly about approximately
    approx around roughly circa ca c up less than then fewer more over at least most under blot stain water fold crease left right top
    bottom upper lower margin transmission telegram cable message remaining exchange material off out typed typewritten typing mark
    marks address title place figures numbers foreign code per this entire whole full next following preceding previous omission
    omissions
    """)
    | PAGE_PART_WORDS | frozenset(NUMBER_WORDS) | frozenset(OPEN_QUANTITIES)
    | frozenset(UNIT_WORDS) | frozenset(f"{unit}s" for unit in UNIT_WORDS)
)  # fmt: skip
STRIKING_OUT_WORDS = NEUTRAL_WORDS | _vocabulary("struck crossed scratched lined through")
HANDWRITING_WORDS = _vocabulary("handwriting handwritten hand signature signed initials marginalia annotation pencil")
DAMAGE_WORDS = _vocabulary("torn tear hole damaged burned burnt stain stained water blot mutilated cut corner")
# Words that an editor supplies where a telegram left them out; nobody glosses with them.
FUNCTION_WORDS = _vocabulary("""
    a an the of to in on at by for from with as and or but if is are was were be been has have had he she it they we you i his her its
    their my our not no that this these those which who when will would shall should can could may might must so than then there all any
    also a.m. p.m. etc etc.
""")
NAME_LINK_WORDS = _vocabulary("of the and de von van der la le di du da al in for on at to")

NOT_READ = re.compile(r"\b(?:not|cannot|can't|can not|could not)\s+(?:be\s+)?(?:legible|readable|read|clear|decipher(?:able|ed)?)\b")
WITHHELD = re.compile(
    r"\bnot\b.*\bdeclas|\b(?:still|remains?)\s+classified|\b(?:redact(?:ed|ions?)|excis(?:ed|ions?)|withheld|saniti[sz]ed|expunged)\b"
    r"|\bcensored\b|blacked[ -]out|\b(?:names?|titles?|initials|security|foia)\b.*\bdelet(?:ed|ions?)\b"
    r"|\bdelet(?:ed|ions?)\b.*\b(?:security|foia|classified)\b"
)
# Exemptions of the Freedom of Information Act and of executive orders on secrecy, as censors stamp them.
EXEMPTION = re.compile(
    r"(?:foia\s*|e\.?o\.?\s*\d+[\s,]*)?(?:\d\.\d\s*)?(?:\([a-z]\)|b)\s*\(\d{1,2}\)(?:\s*\([a-z]\))?"
    r"|\d\.\d\s*\([a-z]\)|25x\d(?:\s*and\s*\d)?"
)
PAGE = re.compile(
    r"(?:pages?|pp?|folio|fol|leaf|sheet)(?:\.?\s*(?:no\.?\s*)?\d+[a-z]?|(?:\.\s*|\s+)[ivxl]+)"
    r"(?:\s*(?:of|/|-|–|and)\s*(?:\d+|[ivxl]+))?\s*(?:recto|verso|[rv])?"
    r"|\d+\s+of\s+\d+|(?:page|new|next)\s+(?:break|page)|(?:end|begin|start|beginning)\s+(?:of\s+)?page(?:\s+\d+)?"
)
NOTE = re.compile(
    r"(?:enclos|attach|annex|appendi|tabs?\b|signed\b|signature|initial|translat|transcri|extract|excerpt|stamp|seal\b|handwrit|manuscript"
    r"|in hand|typed\b|typewritten|margin|notes?\b|footnote|fn\b|here follow|omitted\b|not printed|file copy|received|undated"
    r"|date (?:not|illeg)|laugh|applause|pause\b|crosstalk|photo|maps?\b|chart|tables?\b|graph\b|drawing|image|illustration|letterhead"
    r"|ellips|underlin|emphasis|italic|end of (?:message|text|document|telegram|cable)|document\b|message\b|telegram\b|copy\b|carbon"
    r"|original\b|in (?:russian|english|french|german)|form\b|hand\b|check ?mark|continued|editor|ed\.|see\b|cf\.|struck|crossed"
    r"|reverse|verso|recto|envelope|postmark|logo|text of|printed\b|voice[ -]over|confidential|secret|top secret)"
)
NOTE_ANYWHERE = re.compile(r"\binitial(?:l?ed)\b|\bin (?:the )?(?:original|source text)\b|\bnot (?:printed|signed|found|attached)\b")
NUMBER_NOTE = re.compile(r"\d{1,3}[a-z]?|\*{1,2}|[†‡§¶]+|(?:note|fn|footnote)\.?\s*\d+")
BLANK = re.compile(r"(?:(?:left|space|line|page)\s+)*blank(?:\s+(?:in|on|space|line|page|the|original|source|text|left))*")
STRUCK = re.compile(r".*\b(?:struck|crossed|scratched|lined|typed)[ -](?:out|through|over)")
DOUBTFUL = re.compile(r"(?:perhaps|probably|possibly|presumably|should read|read|recte|uncertain|unclear)\b[:,;]?\s+\S|\?\s*\w")
SIC = re.compile(r"sic\b.{0,60}|thus|!+")
YEAR = re.compile(r"1[0-9]{3}|20[0-9]{2}")
EXPLAINED = re.compile(r"(?:i\.\s?e\.|that is|viz\.?|now|today|formerly|modern|present-day|also|or|alias|=|namely)[,:]?\s+\w")
