"""Measure the local answerer on a file of one's own."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import tenancy
from knowledge.calibration.squad import SquadInvalid, squad_read
from knowledge.evaluation.answers import answers_evaluate
from knowledge.management.scratch import is_inside, run_inside, workspace_make


class Command(BaseCommand):
    """`manage.py answers_eval FILE`."""

    help = (
        "Load the paragraphs of a SQuAD file into a database of its own, ask its questions and "
        "print, as one JSON object on the last line, gold_in_top1, gold_in_top3, abstain_auroc, "
        "out_of_corpus_auroc and false_answer_rate at 90 % coverage, ours beside the plain way."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            squad = squad_read(options["file"])
        except SquadInvalid as error:
            raise CommandError(str(error)) from error
        if not is_inside():
            return run_inside(sys.argv[1:])
        with tenancy.tenant_scope(workspace_make("answers-eval")):
            found = answers_evaluate(squad)
        self.stdout.write(json.dumps({**found.pop("ours"), **found}))
        return None
