"""Turn a file's bytes into text with headings, in a child process with hard limits.

`extract` is what the pipeline calls. Nothing here imports Django: the child starts fast and knows
no settings, no secrets and no database.
"""

from knowledge.extraction.blocks import Block, BlockKind, Extracted
from knowledge.extraction.runner import extract
from knowledge.extraction.sniffing import format_sniff

__all__ = ["Block", "BlockKind", "Extracted", "extract", "format_sniff"]
