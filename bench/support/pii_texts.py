"""Texts of a support desk, made from a seed: personal data beside numbers that are not.

Decoys look like what they must not be taken for: order and tracking numbers of every length, some
passing a card's check digit, article numbers, versions, amounts, quantities and times.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from core.privacy.evaluation import Interval, Sample
from core.privacy.types import Kind

Maker = Callable[[random.Random], str]
PERSONAL: tuple[tuple[str, str], ...] = (
    ("You can reach me at {}.", "PHONE_NUMBER"),
    ("My mobile number is {}, evenings are best.", "PHONE_NUMBER"),
    ("Please call {} when the driver is near.", "PHONE_NUMBER"),
    ("I signed up with {} last year.", "EMAIL_ADDRESS"),
    ("Send the label to {} please.", "EMAIL_ADDRESS"),
    ("I paid with {} and was charged twice.", "CREDIT_CARD"),
    ("The card {} was declined.", "CREDIT_CARD"),
    ("Please refund to {}.", "IBAN_CODE"),
    ("My social security number is {}.", "US_SSN"),
    ("Your site blocks me, my address is {}.", "IP_ADDRESS"),
    ("I was born on {}.", "DATE_TIME"),
    ("The photo is at {}", "DOMAIN_NAME"),
)
DECOYS: tuple[tuple[str, str], ...] = (
    ("Where is my order {}?", "order"),
    ("Order number {} came damaged.", "order"),
    ("My order no. {} has not moved since it was packed.", "order"),
    ("Invoice {} lists the wrong amount.", "order"),
    ("Your ticket {} was closed without an answer.", "order"),
    ("The return {} was sent back yesterday.", "order"),
    ("Tracking says {} is in transit.", "tracking"),
    ("The tracking number {} shows nothing.", "tracking"),
    ("SKU {} is out of stock.", "article"),
    ("Article {} does not fit.", "article"),
    ("I need {} of the blue ones in another size.", "count"),
    ("After the update to version {} the app stops.", "version"),
    ("It costs {} at another shop.", "amount"),
    ("The courier comes at {}.", "time"),
)
FILLER = (
    "I have waited for a while and would like to know what happens next.",
    "The parcel shop told me to ask you, and they were friendly about it.",
    "Could you look into this and tell me how long a replacement takes?",
    "The colour is different from the picture, but the size is right.",
    "Thank you for the quick help last time, it worked at once.",
    "I tried the steps from the help page twice and the light still blinks.",
)


@dataclass(frozen=True, slots=True)
class SupportText:
    """An annotated text, and where its decoys stand."""

    sample: Sample
    decoys: tuple[tuple[int, int], ...]


def support_texts(count: int, seed: int) -> list[SupportText]:
    """Return that many texts, always the same for a seed."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return [_text(chance) for _ in range(count)]


def _text(chance: random.Random) -> SupportText:
    sentences = [_sentence(chance) for _ in range(chance.randint(2, 7))]
    text, spans, decoys = "", list[Interval](), list[tuple[int, int]]()
    for template, value, kind in sentences:
        start = len(text) + template.index("{}") if value else 0
        text += template.format(value) + " "
        if kind:
            spans.append((start, start + len(value), kind))
        elif value:
            decoys.append((start, start + len(value)))
    return SupportText(Sample(text, tuple(spans)), tuple(decoys))


def _sentence(chance: random.Random) -> tuple[str, str, str]:
    draw = chance.random()
    if draw < 0.45:
        return chance.choice(FILLER), "", ""
    if draw < 0.75:
        template, sort = chance.choice(DECOYS)
        return template, chance.choice(DECOY_MAKERS[sort])(chance), ""
    template, kind = chance.choice(PERSONAL)
    return template, MAKERS[kind](chance), kind


def _filled(mask: str, chance: random.Random) -> str:
    letters = {"#": "0123456789", "N": "23456789", "@": "ABCDEFGHJKLMNPQRSTUVWXYZ"}
    return "".join(chance.choice(letters[mark]) if mark in letters else mark for mark in mask)


def _of(*masks: str) -> Maker:
    return lambda chance: _filled(chance.choice(masks), chance)


def _card(chance: random.Random) -> str:
    head = _filled(chance.choice(("4##############", "51#############", "55#############")), chance)
    number = head + _check_digit(head)
    parts = [number[at : at + 4] for at in range(0, 16, 4)]
    return chance.choice(("", " ", "-")).join(parts)


def _check_digit(head: str) -> str:
    doubled = [int(digit) * 2 for digit in head[::-2]]
    total = sum(value // 10 + value % 10 for value in doubled) + sum(map(int, head[-2::-2]))
    return str(-total % 10)


def _iban(chance: random.Random) -> str:
    body = _filled("##################", chance)
    check = 98 - int(f"{body}131400") % 97  # D is 13, E is 14
    compact = f"DE{check:02d}{body}"
    parts = [compact[at : at + 4] for at in range(0, 22, 4)]
    return chance.choice(("", " ")).join(parts)


def _email(chance: random.Random) -> str:
    name = chance.choice(("anna.smith", "j_doe", "li+shop", "m.o'neil", "info", "jürgen"))
    return f"{name}{chance.randint(1, 99)}@{chance.choice(('mail.example.org', 'post.de', 'x.co'))}"


def _ip(chance: random.Random) -> str:
    return ".".join(str(chance.randint(1, 254)) for _ in range(4))


def _ssn(chance: random.Random) -> str:
    return f"{chance.randint(1, 665):03d}-{chance.randint(1, 99):02d}-{chance.randint(1, 9999):04d}"


def _date(chance: random.Random) -> str:
    day, month, year = chance.randint(1, 28), chance.randint(1, 12), chance.randint(1930, 2009)
    return chance.choice((f"{month}/{day}/{year}", f"{year}-{month:02d}-{day:02d}"))


MAKERS: dict[str, Maker] = {
    Kind.PHONE_NUMBER: _of(
        "+49 30 ########", "+1 N##-N##-####", "(N##) N##-####", "0## ### ## ##", "N##.N##.####",
        "0#########", "### ####", "+44 20 #### ####",
    ),
    Kind.EMAIL_ADDRESS: _email,
    Kind.CREDIT_CARD: _card,
    Kind.IBAN_CODE: _iban,
    Kind.US_SSN: _ssn,
    Kind.IP_ADDRESS: _ip,
    Kind.DATE_TIME: _date,
    Kind.DOMAIN_NAME: _of("https://img.example.org/p/@@####", "http://www.pics.net/####"),
}  # fmt: skip
_NUMBERS = ("#######", "########", "##########", "############", "################")
_SHAPES = ("###-#######-#######", "ORD-######", "###-###-####", "### ### ###", "2026-######")
DECOY_MAKERS: dict[str, tuple[Maker, ...]] = {
    "order": (_of(*_NUMBERS), _of(*_SHAPES), _of("R-####-####", "#######/#"), _card),
    "tracking": (_of("1Z###@##########", "####################", "@@#########DE"), _card),
    "article": (_of("@@-####-##", "####-####", "#####", "@##########", "##.##.##"), _card),
    "count": (_of("#", "##", "###", "####"),),
    "version": (_of("#.##.#", "##.#.#.#", "#.#", "20##.#.##"),),
    "amount": (_of("$##.##", "##,### EUR", "#.###,## EUR", "#,###,###.##"),),
    "time": (_of("1#:3#", "1#:0#:##", "9-12", "8.30"),),
}
