"""Say where in a workflow file something is wrong."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class SpecProblem:
    """One mistake, at a 1-based line and column and a JSON pointer into the document."""

    line: int
    column: int
    pointer: str
    message: str

    def located(self, filename: str) -> str:
        """Format the problem the way compilers do, so that editors can jump to it."""
        return f"{filename}:{self.line}:{self.column}: {self.message}"


class SpecError(ValueError):
    """A workflow file that cannot be used, with every problem found in it."""

    def __init__(self, problems: Iterable[SpecProblem], filename: str = "workflow.yaml") -> None:
        self.filename = filename
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(problem.located(filename) for problem in self.problems))
