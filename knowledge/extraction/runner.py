"""Parse a file in a child process that cannot harm this one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from knowledge.errors import REFUSALS, DocumentDamaged, ExtractionTooExpensive
from knowledge.extraction.blocks import Extracted
from knowledge.types import DocumentFormat

WALL_SECONDS: Final = 90
MAX_OUTPUT: Final = 32 * 1024 * 1024
_ROOT: Final = Path(__file__).resolve().parents[2]


def extract(*, kind: DocumentFormat, content: bytes) -> Extracted:
    """Return the document's blocks; takes up to 90 s and 1 GB in a process of its own.

    Raises the DocumentRefused subclass that says what is wrong with the file, among them
    ExtractionTooExpensive when the child ran into its limits.
    """
    result = _child_run(kind, content)
    if "error" in result:
        raise REFUSALS[result["error"]](result["detail"])
    return Extracted.from_wire(result)


def _child_run(kind: DocumentFormat, content: bytes) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module, no shell
            [sys.executable, "-m", "knowledge.extraction.child", kind.value],
            input=content,
            capture_output=True,
            timeout=WALL_SECONDS,
            check=False,
            cwd=_ROOT,
            env={"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise ExtractionTooExpensive() from error
    if done.returncode < 0 or b"MemoryError" in done.stderr:
        raise ExtractionTooExpensive()  # killed by a limit
    if done.returncode or len(done.stdout) > MAX_OUTPUT:
        raise DocumentDamaged()
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed
