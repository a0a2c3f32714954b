"""Which reader reads which format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from knowledge.extraction.blocks import Extracted
from knowledge.extraction.docx import docx_extract
from knowledge.extraction.faq import faq_extract
from knowledge.extraction.html import html_extract
from knowledge.extraction.markdown import markdown_extract
from knowledge.extraction.pdf import pdf_extract
from knowledge.extraction.plain import plain_extract
from knowledge.types import DocumentFormat

READERS: Final[dict[DocumentFormat, Callable[[bytes], Extracted]]] = {
    DocumentFormat.PDF: pdf_extract,
    DocumentFormat.DOCX: docx_extract,
    DocumentFormat.HTML: html_extract,
    DocumentFormat.MARKDOWN: markdown_extract,
    DocumentFormat.TEXT: plain_extract,
    DocumentFormat.FAQ: faq_extract,
}
