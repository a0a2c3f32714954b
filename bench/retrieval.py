"""Measure retrieval on public corpora: full text alone, vectors alone, and the search itself.

`make bench NAME=retrieval`, with `ARGS="squad bank"` for some of them. Each corpus goes through
splitting, embedding and publication into a workspace of its own, on servers of the bench's own.
SQuAD's paragraphs (dev_a), XQuAD's in twelve languages, tau2's 698 documents of a bank asked by
what its customers want and by their titles, and DSTC11's snippets, each asked within one place.

The last line is one JSON object: for each corpus R@1, R@5, R@10, MRR and nDCG@10 of `full_text`,
`vector` and `ours`, and `lost`: how far ours is below the better half where it is furthest. R@k is
the share of questions with a right document among the first k. Exit 1 when a target is missed:
`lost` at most .005 anywhere, SQuAD R@1 .83 and R@5 .96, Chinese R@1 .92, bank R@5 .78.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from config.scratch import scratch_servers

LOST: Final = 0.005
TARGETS: Final = {
    ("squad", "R@1"): 0.83,
    ("squad", "R@5"): 0.96,
    ("xquad_zh", "R@1"): 0.92,
    ("bank", "R@5"): 0.78,
}
COMPARED: Final = ("R@1", "R@5", "R@10", "MRR")


def measure(names: list[str]) -> dict[str, Any]:
    """Return the figures of each corpus named, all of them if none is."""
    from bench.support.corpora import corpora

    known = corpora()
    unknown = set(names) - known.keys()
    if unknown or not known:
        raise SystemExit(f"There are {', '.join(known) or 'no corpora'}, not {', '.join(names)}.")
    return {name: _measured(name, *known[name]()) for name in names or known}


def _measured(name: str, documents: Any, questions: Any) -> dict[str, Any]:
    from core import tenancy
    from knowledge.evaluation.retrieval import retrieval_evaluate
    from knowledge.management.scratch import workspace_make

    with tenancy.tenant_scope(workspace_make(f"bench-{name.replace('_', '-')}")):
        found = retrieval_evaluate(documents, questions)
    found["lost"] = lost(found)
    sys.stderr.write(f"{name}: {json.dumps(found)}\n")
    return found


def lost(found: dict[str, dict[str, float]]) -> float:
    """Return how far ours is below the better half on the measure where it is furthest."""
    words, meaning, ours = found["full_text"], found["vector"], found["ours"]
    return round(max(0.0, *(max(words[m], meaning[m]) - ours[m] for m in COMPARED)), 4)


def missed(found: dict[str, Any]) -> list[str]:
    """Return the targets that were missed, in words."""
    faults = [f"{name}: lost {row['lost']}" for name, row in found.items() if row["lost"] > LOST]
    for (name, metric), target in TARGETS.items():
        if name in found and found[name]["ours"][metric] < target:
            faults.append(f"{name}: {metric} {found[name]['ours'][metric]}, not {target}")
    return faults


def main() -> int:
    """Print the figures; exit 1 when a target is missed."""
    with scratch_servers():
        import django

        django.setup()
        found = measure(sys.argv[1:])
    faults = missed(found)
    sys.stdout.write(json.dumps({**found, "missed": faults}) + "\n")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
