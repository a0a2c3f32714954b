"""Say where in a workflow file something is wrong."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MAX_PROBLEMS = 100


class Severity(StrEnum):
    """An error keeps a workflow from running; a warning is for its author."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class SpecProblem:
    """One mistake, at a 1-based line and column and a JSON pointer into the document.

    ``file`` names a fragment's or an overlay's file; it is empty for the workflow's own.
    """

    line: int
    column: int
    pointer: str
    message: str
    file: str = ""
    severity: Severity = Severity.ERROR

    def located(self, filename: str) -> str:
        """Format the problem the way compilers do, so that editors can jump to it."""
        kind = "warning: " if self.severity is Severity.WARNING else ""
        return f"{self.file or filename}:{self.line}:{self.column}: {kind}{self.message}"


class SpecError(ValueError):
    """A workflow file that cannot be used, with the first problems found in it, in order."""

    def __init__(self, problems: Iterable[SpecProblem], filename: str = "workflow.yaml") -> None:
        self.filename = filename
        self.problems = tuple(sorted(set(problems), key=_place)[:MAX_PROBLEMS])
        super().__init__("\n".join(problem.located(filename) for problem in self.problems))


def _place(problem: SpecProblem) -> tuple[str, SpecProblem]:
    return problem.file, problem
