"""Measure what finds personal data: public research data and a support desk's texts.

`make bench NAME=pii`, with `ARGS=FILE` for another file of that format. The public file is split by
template: one half was developed on, only the other half (`held_out`) counts. The support texts are
made from a seed, with order numbers as decoys. The last line of output is one JSON object;
`over_redaction` is the worse of two: decoys touched, or other words touched in the public half.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from bench.support.pii_texts import SupportText, support_texts
from core.privacy.detector import pii_find
from core.privacy.evaluation import Sample, evaluate, hostile_milliseconds, samples_read

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_FILE = ROOT.parent / "shared" / "data" / "pii_presidio" / "generated_large.json"
TEXTS, SEED = 4000, 20261201


def is_held_out(sample: Sample) -> bool:
    """Say whether a text's template belongs to the half that nothing was developed on."""
    return hashlib.sha256(sample.template.encode()).digest()[-1] % 2 == 1


def decoys_touched(texts: list[SupportText]) -> float:
    """Return the share of decoys of which any character would be redacted."""
    touched = total = 0
    for text in texts:
        spans = pii_find(text.sample.text)
        total += len(text.decoys)
        touched += sum(any(s.start < end and start < s.end for s in spans)
                       for start, end in text.decoys)  # fmt: skip
    return touched / total


def measure(file: Path) -> dict[str, Any]:
    """Return the figures of each set and of both together."""
    texts = support_texts(TEXTS, SEED)
    support = evaluate([text.sample for text in texts])
    support["decoys_touched"] = round(decoys_touched(texts), 5)
    sets = {"support": support}
    if file.exists():
        samples = samples_read(file)
        sets["held_out"] = evaluate([each for each in samples if is_held_out(each)])
        sets["developed_on"] = evaluate([each for each in samples if not is_held_out(each)])
    worst, part = hostile_milliseconds()
    counted = [sets[name] for name in ("support", "held_out") if name in sets]
    return {
        **{rate: min(each[rate] for each in counted) for rate in ("precision", "recall", "f1")},
        "over_redaction": max(
            support["decoys_touched"], *(each["over_redaction"] for each in counted)
        ),
        "mb_per_s": min(each["mb_per_s"] for each in counted),
        "hostile_32kb_ms": round(worst, 1),
        "hostile_worst": part,
        "sets": sets,
    }


def main() -> None:
    """Measure and print."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_FILE
    print(json.dumps(measure(file)))


if __name__ == "__main__":
    main()
