"""Measure the local answerer on SQuAD 2: what it finds, and what it knows not to answer.

`make bench NAME=answers`, with `ARGS=FILE` for another file of that form; on servers of the bench's
own. Every paragraph is a document, every question is asked of all of them, those with an answer a
second time with their whole article hidden. The last line is one JSON object: gold_in_top1 and
gold_in_top3 (an answer of the file within the first one or three sentences extracted),
abstain_auroc (against the file's own unanswerable questions, made to fool), out_of_corpus_auroc
(against questions whose article is hidden), false_answer_rate (unanswerable ones answered when
nine of ten others are), and under `plain` the same for the nearest sentences of the five nearest
passages. Exit 1 when a target is missed. The models were fitted on dev_a, among others: what they
do on articles they have not seen, another file says.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from config.scratch import scratch_servers

DEFAULT: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "squad" / "dev_a.json"
TARGETS: Final = {
    "gold_in_top1": 0.70,
    "gold_in_top3": 0.86,
    "abstain_auroc": 0.72,
    "out_of_corpus_auroc": 0.97,
}


def measure(path: Path) -> dict[str, Any]:
    """Return the figures of a file of SQuAD's form."""
    from core import tenancy
    from knowledge.calibration.squad import squad_read
    from knowledge.evaluation.answers import answers_evaluate
    from knowledge.management.scratch import workspace_make

    squad = squad_read(path)
    with tenancy.tenant_scope(workspace_make("bench-answers")):
        found = answers_evaluate(squad)
    return {**found.pop("ours"), **found}


def main() -> int:
    """Print the figures; exit 1 without a file or when a target is missed."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    if not path.is_file():
        sys.stderr.write(f"There is no {path}; name a file of SQuAD's form.\n")
        return 1
    with scratch_servers():
        import django

        django.setup()
        found = measure(path)
    missed = [name for name, target in TARGETS.items() if found[name] < target]
    sys.stdout.write(json.dumps({**found, "missed": missed}) + "\n")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
