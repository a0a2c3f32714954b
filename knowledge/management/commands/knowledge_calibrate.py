"""Fit the models that score passages and sentences."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import tenancy
from knowledge.calibration.squad import squad_load, squad_read
from knowledge.calibration.support import support_load
from knowledge.calibration.train import (
    Observed,
    corpus_observe,
    language_observe,
    squad_observe,
    support_observe,
    train,
)
from knowledge.evaluation.corpus import EvaluationInvalid, corpus_read, questions_read
from knowledge.evaluation.loading import documents_load
from knowledge.management.scratch import is_inside, run_inside, workspace_make


class Command(BaseCommand):
    """`manage.py knowledge_calibrate --squad FILE [--language FILE …] [--corpus DOCS ASKED …]`."""

    help = (
        "Fit the scoring models on a SQuAD 2 file, on files of the same form in other languages, "
        "and on corpora as retrieval_eval reads them; write the coefficients."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--squad", type=Path, required=True)
        parser.add_argument("--language", type=Path, nargs="*", default=[])
        parser.add_argument("--corpus", type=Path, nargs=2, action="append", default=[])

    def handle(self, *args: Any, **options: Any) -> None:
        if not is_inside():
            return run_inside(sys.argv[1:])
        try:
            observed = [one for found in _sources(options) for one in found]
        except (EvaluationInvalid, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(train(observed), indent=2))
        return None


def _sources(options: dict[str, Any]) -> Iterator[list[Observed]]:
    """Load each source into a workspace of its own, and search for its questions there."""
    with tenancy.tenant_scope(workspace_make("calibration-customers")):
        support_load()
        yield support_observe()
    for number, path in enumerate([options["squad"], *options["language"]]):
        with tenancy.tenant_scope(workspace_make(f"calibration-squad-{number}")):
            squad = squad_read(path)
            observe = language_observe if number else squad_observe
            yield observe(squad, squad_load(squad))
    for number, (documents, questions) in enumerate(options["corpus"]):
        with tenancy.tenant_scope(workspace_make(f"calibration-corpus-{number}")):
            known = documents_load(corpus_read(documents))
            yield corpus_observe(questions_read(questions), known)
