"""What kinds of fact a sentence holds, and what kind a question asks for.

Cheap, transparent features: a sentence without any duration is an unlikely answer to "how long".
A sentence's traits are found once, when its document comes in, and stored as a bit mask.
"""

from __future__ import annotations

import re
from enum import IntFlag
from typing import Final

_UNITS: Final = (
    r"seconds?|minutes?|mins?|hours?|days?|weeks?|months?|years?|decades?|centur(?:y|ies)|nights?|"
    r"working days?|business days?"
)
_NUMBER_WORDS: Final = (
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|"
    r"hundreds?|thousands?|millions?|billions?|half|twice|once|dozen"
)
_MONTHS: Final = (
    r"January|February|March|April|May|June|July|August|September|October|November|December"
)
_WEEKDAYS: Final = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?"


class Trait(IntFlag):
    """A kind of fact."""

    NUMBER = 1
    MONEY = 2
    DURATION = 4
    DATE = 8
    PERCENT = 16
    NAME = 32
    PLACE = 64
    CONTACT = 128
    REASON = 256
    MEASURE = 512
    NEGATION = 1024
    PERMISSION = 2048
    METHOD = 4096


_SENTENCE: Final[dict[Trait, re.Pattern[str]]] = {
    Trait.NUMBER: re.compile(rf"\d|\b(?:{_NUMBER_WORDS})\b", re.IGNORECASE),
    Trait.MONEY: re.compile(
        r"[€£$¥]\s?\d|\d\s?(?:€|EUR\b|USD\b|GBP\b|euros?\b|dollars?\b|pounds?\b|cents?\b)|"
        r"\b(?:free of charge|for free|is free|are free|no charge|at no cost|costs? nothing)\b",
        re.IGNORECASE,
    ),
    Trait.DURATION: re.compile(
        rf"(?:\d|\b(?:{_NUMBER_WORDS}|an?|few|several|next|same|every|per))[\s-](?:\w+[\s-])?(?:{_UNITS})\b",
        re.IGNORECASE,
    ),
    Trait.DATE: re.compile(
        rf"\b(?:1\d{{3}}|20\d\d)s?\b|\b(?:{_MONTHS})\b|\b{_WEEKDAYS}\b|\d{{1,2}}[:.]\d\d\b|"
        rf"\b(?:when|after|before|until|during|within|century|today|tomorrow|as soon as)\b"
    ),
    Trait.PERCENT: re.compile(r"\d\s?(?:%|percent|per cent)", re.IGNORECASE),
    Trait.NAME: re.compile(r"(?<=[\w,;:]\s)[A-Z][a-z]+"),
    Trait.PLACE: re.compile(
        r"\b(?:in|at|from|to|near|between|of)\s+(?:the\s+)?[A-Z][a-z]+|\b(?:street|road|lane|warehouse|"
        r"stores?|shops?|showrooms?|floor|countr(?:y|ies)|worldwide)\b"
    ),
    Trait.CONTACT: re.compile(r"@|\bwww\.|https?:|\+?\d[\d ()/-]{6,}\d"),
    Trait.REASON: re.compile(
        r"\b(?:because|since|due to|so that|in order to|therefore|caused?|reasons?|as a result)\b",
        re.IGNORECASE,
    ),
    Trait.MEASURE: re.compile(
        r"\d\s?(?:kg|g|kilograms?|grams?|cm|mm|km|m|metres?|meters?|litres?|liters?|ml|l|watts?|W|V|"
        r"inch(?:es)?|feet|miles?|degrees?|°)\b",
        re.IGNORECASE,
    ),
    Trait.NEGATION: re.compile(
        r"\b(?:not|no|never|cannot|can't|don't|without|except|neither|nor)\b", re.IGNORECASE
    ),
    Trait.PERMISSION: re.compile(
        r"\b(?:can|may|must|cannot|allowed?|permitted|possible|offer|accept|need|should|yes|no|"
        r"available|welcome)\b",
        re.IGNORECASE,
    ),
    Trait.METHOD: re.compile(
        r"\b(?:by|using|with|via|through|click|choose|press|enter|send|write|call|open|bring|fill|"
        r"contact|select|turn|remove|clean|place|put|use)\b",
        re.IGNORECASE,
    ),
}

_WHEN: Final = Trait.DATE | Trait.DURATION
_QUANTITY: Final = Trait.NUMBER | Trait.MEASURE
_COST: Final = Trait.MONEY | Trait.PERCENT
# The first pattern that matches decides.
_QUESTION: Final[tuple[tuple[re.Pattern[str], Trait], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), wanted)
    for pattern, wanted in (
        (r"\bhow (?:often|frequently)\b", Trait.DURATION | Trait.NUMBER),
        (
            r"\bhow (?:long|soon|quickly|fast|late|early)\b|"
            r"\bhow many (?:days|weeks|months|years|hours|minutes)\b",
            _WHEN,
        ),
        (
            r"\bhow much\b.*\b(?:weigh|water|power|space|energy)|\bhow (?:big|tall|large|heavy|far|"
            r"deep|high|wide|hot|cold|warm|old)\b|\bwhat size\b|\bwhich (?:size|number)\b",
            _QUANTITY,
        ),
        (
            r"\bhow much\b|\b(?:price|cost|fee|charge|postage|expensive)s?\b|\bmoney off\b|"
            r"\bdiscount\b|\breduction\b|\bworth\b",
            _COST,
        ),
        (r"\bwhat (?:percent|percentage|share|fraction)\b", Trait.PERCENT | Trait.NUMBER),
        (r"\bhow many\b|\bwhat (?:number|amount|speed|temperature|weight)\b", _QUANTITY),
        (
            r"\bwhen\b|\b(?:what|which) (?:time|day|date|year|month|century|decade)\b|"
            r"\bopen(?:ing)?\b",
            _WHEN,
        ),
        (
            r"\b(?:phone|telephone|e-?mail|contact|reach)\b.*\b(?:number|address)\b",
            Trait.CONTACT | Trait.NUMBER,
        ),
        (
            r"\bwhere\b|\b(?:what|which) (?:country|city|place|state|region|town)\b",
            Trait.PLACE,
        ),
        (r"\bwho(?:se|m)?\b|\bwhat (?:person|people|name|company)\b", Trait.NAME),
        (r"\bwhy\b|\bwhat (?:caused?|is the reason)\b", Trait.REASON),
        (r"\bhow (?:do|can|should|to|would)\b", Trait.METHOD),
        (
            r"^\W*(?:is|are|was|were|do|does|did|can|could|may|will|would|should|has|have|must)\b|"
            r"[,.;]\s*(?:is|are|do|does|can|could|may|will|should) ",
            Trait.PERMISSION | Trait.NEGATION,
        ),
    )
)

# Words that shape a question but say nothing about its subject.
_SHAPE: Final = re.compile(
    r"\bhow (?:long|much|many|often|soon|quickly|fast|late|far|old|come)\b|"
    r"\bwhat(?:'s| is| are| kind of| sort of)?\b|"
    r"\b(?:please|thanks?(?: you)?|hello|hi|hey|guys|okay|ok|tell me|could you|would you|can you|"
    r"i want to know|i would like to|i'd like to|let me know|exactly|just|actually)\b",
    re.IGNORECASE,
)


def sentence_traits(text: str) -> Trait:
    """Return the kinds of fact the sentence holds."""
    found = Trait(0)
    for trait, pattern in _SENTENCE.items():
        if pattern.search(text):
            found |= trait
    return found


def question_wants(question: str) -> Trait:
    """Return the kinds of fact that would answer, any one of them; none when unclear."""
    return next((wanted for pattern, wanted in _QUESTION if pattern.search(question)), Trait(0))


def question_subject(question: str) -> str:
    """Return the question without the words that only shape it, for lexical search."""
    subject = _SHAPE.sub(" ", question)
    return subject if re.search(r"\w{2}", subject) else question
