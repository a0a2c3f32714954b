"""Render the demo tenants' documents to the bytes of their formats."""

from collections.abc import Callable
from typing import Final

from config.demo.rendering_docx import docx_render
from config.demo.rendering_html import html_render
from config.demo.rendering_pdf import pdf_render
from config.demo.rendering_txt import txt_render
from config.demo.sources import DemoSource, demo_sources_load

__all__ = ["DemoSource", "demo_document_render", "demo_sources_load"]


def demo_document_render(source: DemoSource) -> bytes:
    """Render the document to the bytes of its format."""
    return _RENDERERS[source.format](source)


def _markdown_render(source: DemoSource) -> bytes:
    """Return the Markdown as it was written."""
    return source.body.encode("utf-8")


_RENDERERS: Final[dict[str, Callable[[DemoSource], bytes]]] = {
    "pdf": pdf_render,
    "docx": docx_render,
    "html": html_render,
    "md": _markdown_render,
    "txt": txt_render,
}
