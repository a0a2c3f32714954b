"""Measure the search on a corpus of one's own."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import tenancy
from knowledge.evaluation.corpus import EvaluationInvalid, corpus_read, questions_read
from knowledge.evaluation.retrieval import retrieval_evaluate
from knowledge.management.scratch import is_inside, run_inside, workspace_make


class Command(BaseCommand):
    """`manage.py retrieval_eval --corpus FILE --queries FILE [--qrels FILE]`."""

    help = (
        "Load a corpus (JSONL: id, title, text, group) into a database of its own, ask its "
        "questions (JSONL: id, text, relevant, group) and print R@1, R@5, R@10, MRR and nDCG@10 of "
        "full text alone, vectors alone and the search, as one JSON object on the last line."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--corpus", type=Path, required=True)
        parser.add_argument("--queries", type=Path, required=True)
        parser.add_argument("--qrels", type=Path, help="relevance apart: TREC's or BEIR's columns")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            documents = corpus_read(options["corpus"])
            questions = questions_read(options["queries"], options["qrels"])
            if not is_inside():
                return run_inside(sys.argv[1:])
            with tenancy.tenant_scope(workspace_make("retrieval-eval")):
                found = retrieval_evaluate(documents, questions)
        except EvaluationInvalid as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(found))
        return None
