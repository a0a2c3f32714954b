"""Render a demo document to an A4 PDF file."""

from collections.abc import Callable
from html import escape
from io import BytesIO
from typing import Final

from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    ListFlowable,
    ListItem,
    SimpleDocTemplate,
    Spacer,
)
from reportlab.platypus import Paragraph as PdfParagraph
from reportlab.platypus import Table as PdfTable

from config.demo.blocks import (
    Block,
    Heading,
    Inline,
    ItemList,
    Paragraph,
    Table,
    blocks_parse,
    inline_text,
)
from config.demo.sources import DemoSource

_MARGIN: Final = 22 * mm
_FRAME_PADDING: Final = 6  # Fixed by reportlab, on each side of the text.
_TEXT_WIDTH: Final = A4[0] - 2 * _MARGIN
_INK: Final = HexColor("#1f2933")
_MUTED: Final = HexColor("#6b7785")
_RULE: Final = HexColor("#cbd2d9")
_STRIPE: Final = HexColor("#f5f7f9")
_ACCENTS: Final = {"acme": HexColor("#1f5f4a"), "globex": HexColor("#1f4e8c")}
_ACCENT_DEFAULT: Final = HexColor("#37474f")

_BODY: Final = ParagraphStyle(
    "body", fontName="Helvetica", fontSize=10, leading=14.5, textColor=_INK, spaceAfter=7
)
_ITEM: Final = ParagraphStyle("item", parent=_BODY, spaceAfter=3)
_CELL: Final = ParagraphStyle("cell", parent=_BODY, fontSize=9, leading=12, spaceAfter=0)
_CELL_HEAD: Final = ParagraphStyle(
    "cell-head", parent=_CELL, fontName="Helvetica-Bold", textColor=white
)
_HEADING_SIZES: Final = {1: (21, 26, 0, 12), 2: (13.5, 17, 13, 5), 3: (11, 14, 9, 3)}


def pdf_render(source: DemoSource) -> bytes:
    """Render the document to a PDF file whose bytes depend on the source alone."""
    buffer = BytesIO()
    accent = _ACCENTS.get(source.slug, _ACCENT_DEFAULT)
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=_MARGIN - _FRAME_PADDING,
        rightMargin=_MARGIN - _FRAME_PADDING,
        topMargin=28 * mm,
        bottomMargin=24 * mm,
        title=source.title,
        author=source.company,
        invariant=1,
    )
    decorate = _page_decorator(source, accent)
    document.build(_story(source.body, accent), onFirstPage=decorate, onLaterPages=decorate)
    return buffer.getvalue()


def _page_decorator(
    source: DemoSource, accent: Color
) -> Callable[[Canvas, SimpleDocTemplate], None]:
    """Make the function which draws the header and the footer of each page."""

    def decorate(canvas: Canvas, document: SimpleDocTemplate) -> None:
        """Draw the company above the text, the title and the page number below."""
        width, height = A4
        canvas.setFillColor(accent)
        canvas.rect(0, height - 4 * mm, width, 4 * mm, stroke=0, fill=1)
        canvas.setFont("Helvetica-Bold", 9)
        canvas.drawString(_MARGIN, height - 17 * mm, source.company)
        canvas.setStrokeColor(_RULE)
        canvas.line(_MARGIN, 17 * mm, width - _MARGIN, 17 * mm)
        canvas.setFillColor(_MUTED)
        canvas.setFont("Helvetica", 8)
        canvas.drawString(_MARGIN, 12 * mm, source.title)
        canvas.drawRightString(width - _MARGIN, 12 * mm, f"Page {document.page}")

    return decorate


def _story(body: str, accent: Color) -> list[Flowable]:
    """Turn the Markdown into flowables."""
    return [part for block in blocks_parse(body) for part in _flowables(block, accent)]


def _flowables(block: Block, accent: Color) -> list[Flowable]:
    """Turn one block into flowables."""
    match block:
        case Heading():
            return [PdfParagraph(_markup(block.content), _heading_style(block.level, accent))]
        case Paragraph():
            return [PdfParagraph(_markup(block.content), _BODY)]
        case ItemList():
            return [_item_list(block, accent), Spacer(0, 5)]
        case Table():
            return [_table(block, accent)]


def _heading_style(level: int, accent: Color) -> ParagraphStyle:
    """Choose the style of a heading, which never ends a page."""
    size, leading, before, after = _HEADING_SIZES[min(level, 3)]
    return ParagraphStyle(
        f"heading-{level}",
        parent=_BODY,
        fontName="Helvetica-Bold",
        fontSize=size,
        leading=leading,
        spaceBefore=before,
        spaceAfter=after,
        textColor=accent,
        keepWithNext=1,
    )


def _item_list(block: ItemList, accent: Color) -> ListFlowable:
    """Set a bullet list or a numbered list."""
    items = [ListItem(PdfParagraph(_markup(item), _ITEM)) for item in block.items]
    return ListFlowable(
        items,
        bulletType="1" if block.numbered else "bullet",
        bulletFormat="%s." if block.numbered else None,
        start=1 if block.numbered else "•",
        bulletFontSize=10,
        bulletColor=accent,
        leftIndent=16,
    )


def _table(block: Table, accent: Color) -> PdfTable:
    """Set a table whose header row is repeated on each page."""
    rows = [_row(block.header, _CELL_HEAD), *(_row(row, _CELL) for row in block.rows)]
    table = PdfTable(rows, colWidths=_column_widths(block), repeatRows=1)
    # Not spacers: one before the table would part it from its heading.
    table.spaceBefore, table.spaceAfter = 2, 10
    table.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, 0), accent),
            ("ROWBACKGROUNDS", (0, 1), (-1, -1), [white, _STRIPE]),
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, _RULE),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("TOPPADDING", (0, 0), (-1, -1), 4),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
        ]
    )
    return table


def _row(cells: tuple[Inline, ...], style: ParagraphStyle) -> list[PdfParagraph]:
    """Set the cells of one row as paragraphs, so that long ones wrap."""
    return [PdfParagraph(_markup(cell), style) for cell in cells]


def _column_widths(block: Table) -> list[float]:
    """Share the text width between the columns by the length of their longest cell."""
    columns = zip(block.header, *block.rows, strict=True)
    # Within bounds, so that one long cell does not squeeze the others to a word a line.
    longest = [min(max(len(inline_text(cell)) for cell in column), 48) + 5 for column in columns]
    return [_TEXT_WIDTH * length / sum(longest) for length in longest]


def _markup(content: Inline) -> str:
    """Write the spans in the mark-up of reportlab's paragraphs."""
    return "".join(
        f"<b>{escape(span.text)}</b>" if span.bold else escape(span.text) for span in content
    )
