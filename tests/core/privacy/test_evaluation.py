"""The detector is measured on annotated files; a bad file is refused with the place."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.privacy.evaluation import HOSTILE, Sample, evaluate, hostile_milliseconds

GOOD = {
    "full_text": "Mail a@b.de, call 555-123-4567",
    "spans": [{"entity_type": "EMAIL_ADDRESS", "start_position": 5, "end_position": 11}],
}


def run(path: Path) -> dict[str, Any]:
    out = StringIO()
    call_command("pii_eval", str(path), stdout=out)
    figures: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return figures


def test_file_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([GOOD]))
    figures = run(path)
    assert (figures["precision"], figures["recall"], figures["f1"]) == (0.5, 1.0, 0.6667)
    assert figures["over_redaction"] == round(1 / 3, 5)  # "Mail", "call" and the number
    assert {"mb_per_s", "hostile_32kb_ms"} < set(figures)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "not empty"),
        ("{}", "list of annotated texts"),
        ("[1]", "item 0: `full_text`"),
        ('[{"full_text": "a"}]', "item 0: `spans`"),
        ('[{"full_text": "a", "spans": [{}]}]', "lacks 'start_position'"),
        (json.dumps([GOOD | {"full_text": "short"}]), "outside the text"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_bad_file_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(CommandError, match=reason):
        run(path)


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        run(tmp_path / "none.json")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandError, match="not JSON in UTF-8"):
        run(tmp_path / "b.json")


def test_uncounted_types_do_not_change_the_figures() -> None:
    sample = Sample("I live in Rome", ((10, 14, "LOCATION"),))
    assert evaluate([sample])["f1"] == 1.0


def test_hostile_texts_take_linear_time() -> None:
    once, _ = hostile_milliseconds(32 * 1024)
    fourfold, part = hostile_milliseconds(128 * 1024)
    assert part in HOSTILE
    assert fourfold < 10 * once
