"""The process in which one untrusted file is parsed: `python -m knowledge.extraction.child FORMAT`.

Reads the file from standard input and writes one JSON object to standard output. It limits itself
before it loads a parser, so whatever the file does, it does it to this process alone.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any, Final

from knowledge.errors import DocumentDamaged, DocumentRefused, ExtractionTooExpensive
from knowledge.types import DocumentFormat

MEMORY_BYTES: Final = 1024 * 1024 * 1024
CPU_SECONDS: Final = 60


def limits_set() -> None:
    """Bound address space and processor time, and forbid writing files."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answer(kind: DocumentFormat, content: bytes) -> dict[str, Any]:
    """Return the extracted document, or the code and sentence of why there is none."""
    from knowledge.extraction.readers import READERS

    try:
        return READERS[kind](content).to_wire()
    except DocumentRefused as refusal:
        return {"error": refusal.code, "detail": refusal.detail}
    except (MemoryError, RecursionError):
        return {"error": ExtractionTooExpensive.code, "detail": ExtractionTooExpensive.title}
    except Exception as error:  # noqa: BLE001 - parsers raise anything; the parent is told it is damage
        detail = f"{DocumentDamaged.title} ({type(error).__name__})"
        return {"error": DocumentDamaged.code, "detail": detail}


if __name__ == "__main__":
    limits_set()
    result = answer(DocumentFormat(sys.argv[1]), sys.stdin.buffer.read())
    sys.stdout.buffer.write(json.dumps(result).encode())
