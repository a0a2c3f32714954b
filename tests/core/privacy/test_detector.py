"""Personal data are found and taken out; the numbers of a shop stay."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.privacy.detector import pii_find, redact
from core.privacy.evaluation import HOSTILE
from core.privacy.types import AllowList, Kind

FOUND = [
    ("Write to anna.smith@example.org.", Kind.EMAIL_ADDRESS, "anna.smith@example.org"),
    ("My card 4916 6137 3662 4573 was lost", Kind.CREDIT_CARD, "4916 6137 3662 4573"),
    ("iban gb69pmnj18913943430745", Kind.IBAN_CODE, "gb69pmnj18913943430745"),
    ("to GB69 PMNJ 1891 3943 4307 45, please", Kind.IBAN_CODE, "GB69 PMNJ 1891 3943 4307 45"),
    ("Here's my SSN: 308-63-0237", Kind.US_SSN, "308-63-0237"),
    ("call (978)645-9740x11144 now", Kind.PHONE_NUMBER, "(978)645-9740x11144"),
    ("It is +49 30 90182000.", Kind.PHONE_NUMBER, "+49 30 90182000"),
    ("You can call 73 448 266", Kind.PHONE_NUMBER, "73 448 266"),
    ("address 12.92.149.211 blocked", Kind.IP_ADDRESS, "12.92.149.211"),
    ("from 2001:db8::7 today", Kind.IP_ADDRESS, "2001:db8::7"),
    ("born on 3/23/1940.", Kind.DATE_OF_BIRTH, "3/23/1940"),
    ("since 11 March 2019", Kind.DATE_TIME, "11 March 2019"),
    ("see http://www.example.org/a.", Kind.DOMAIN_NAME, "http://www.example.org/a"),
    ("my driver's license number is A56319335", Kind.US_DRIVER_LICENSE, "A56319335"),
    ("my CPF: 529.982.247-25", Kind.NATIONAL_ID, "529.982.247-25"),
    ("My name is Anna Smith and", Kind.PERSON, "Anna Smith"),
    ("at 12 Baker Street", Kind.ADDRESS, "12 Baker Street"),
    ("my zip code is 35649", Kind.ADDRESS, "35649"),
    ("I am a 50 year old man", Kind.AGE, "50"),
    ("from Smith Ltd. in May", Kind.ORGANIZATION, "Smith Ltd."),
]
LEFT = [
    "Order 4916613736624573 is late",
    "Tracking number 555-123-4567",
    "order no. 308-63-0237",
    "card 4916613736624574",
    "IBAN GB69PMNJ18913943430746",
    "version 10.2.3.4 crashed",
    "SKU 12-34-56 in blue",
    "run 7d0a4c1e-5551-4234-9678-123456789012 failed",
    "My name is incorrect",
    "999.1.1.1 and 1:30:59 and 12,345.67 EUR",
    "my CPF: 529.982.247-26",
]
texts = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from([text for text, _, _ in FOUND]),
        st.sampled_from([*LEFT, *HOSTILE, "[EMAIL_ADDRESS]", "call ", "order "]),
    ),
    max_size=8,
).map("".join)


@pytest.mark.parametrize(("text", "kind", "value"), FOUND)
def test_personal_data_are_found(text: str, kind: Kind, value: str) -> None:
    assert [(text[s.start : s.end], s.kind) for s in pii_find(text)] == [(value, kind)]


@pytest.mark.parametrize("text", LEFT)
def test_what_is_nobodys_stays(text: str) -> None:
    assert redact(text) == text


def test_dates_links_and_companies_stay_unless_asked_for() -> None:
    text = "Since 11/15/1979 Smith Ltd. has http://a.example.org"
    assert redact(text) == text
    assert redact(text, kinds=frozenset(Kind)).count("[") == 3


def test_a_workspaces_own_shapes_stay() -> None:
    text = "It is 555-123-4567, call 555-123-9999"
    allow = AllowList(masks=("###-###-4567",))
    assert redact(text, allow=allow) == "It is 555-123-4567, call [PHONE_NUMBER]"


def test_a_mask_is_no_pattern() -> None:
    assert redact("mail a@b.de", allow=AllowList(masks=(".*", "(a+)+$"))) == "mail [EMAIL_ADDRESS]"


@given(texts)
def test_spans_never_overlap_and_stand_in_order(text: str) -> None:
    spans = pii_find(text)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))


@given(texts)
def test_text_outside_spans_is_never_lost(text: str) -> None:
    place, rest = 0, redact(text)
    for piece in _outside_placeholders(rest):
        place = text.index(piece, place) + len(piece)


def _outside_placeholders(text: str) -> list[str]:
    for kind in Kind:
        text = text.replace(f"[{kind}]", "\0")
    return text.split("\0")


@given(texts)
def test_redaction_is_idempotent(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
