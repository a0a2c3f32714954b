"""What the words before a number say it is."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

WIDTH: Final = 48  # characters looked back


class Cue(Enum):
    """What a number is announced as."""

    PHONE = "phone"
    CARD = "card"
    SSN = "ssn"
    LICENSE = "license"
    IDENTITY = "identity"
    BIRTH = "birth"
    BUSINESS = "business"  # an order, a parcel, an article: never personal
    VERSION = "version"


_WORDS = {
    Cue.PHONE: "phone telephone tel mobile cell fax call calling called dial reach whatsapp sms"
    " contact callback text ring message messages mobil telefon registered handy answering",
    Cue.CARD: "credit debit card cards visa mastercard amex cc paid pay",
    Cue.SSN: "ssn itin security",
    Cue.LICENSE: "license licence dl",
    Cue.IDENTITY: "passport national nino insurance nir pesel bsn cpf dni nie aadhaar fiscale"
    " personnummer hetu sin tax steuer nhs identity",
    Cue.BIRTH: "born birth dob birthday geboren birthdate",
    Cue.BUSINESS: "order orders tracking track invoice sku ref reference ticket case parcel"
    " shipment package item items part product serial article booking confirmation rma po return"
    " model barcode ean upc gtin isbn imei transaction coupon voucher batch lot bestellung sendung"
    " rechnung commande pedido quote receipt delivery id consignment waybill gift",
    Cue.VERSION: "version v release firmware build section chapter",
}
_CUES: Final = {word: cue for cue, words in _WORDS.items() for word in words.split()}
_WORD = re.compile(r"[a-z]+")
_SENTENCE = re.compile(r"[.?!]\s{1,2}(?=[A-Z])")
_OF_ITS_SENTENCE: Final = (Cue.BUSINESS, Cue.VERSION)


def cue_before(text: str, start: int) -> Cue | None:
    """Return what the nearest cue before that place announces; nothing behind a placeholder.

    That something is an order's number is said in its own sentence; what is asked for, as in
    "Your phone? Mine is ...", may be said in the one before.
    """
    window = text[max(0, start - WIDTH) : start]
    window = window[window.rfind("]") + 1 :]
    *_, border = 0, *(match.end() for match in _SENTENCE.finditer(window))
    lowered = window.lower()
    found = _nearest(lowered[border:])
    if found or not border:
        return found
    earlier = _nearest(lowered[:border])
    return None if earlier in _OF_ITS_SENTENCE else earlier


def _nearest(words: str) -> Cue | None:
    return next((_CUES[word] for word in reversed(_WORD.findall(words)) if word in _CUES), None)
