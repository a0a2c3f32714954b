"""Render a demo document to a Word file."""

from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document
from docx.document import Document as DocxDocument
from docx.shared import Pt
from docx.text.paragraph import Paragraph as DocxParagraph

from config.demo.blocks import (
    Block,
    Heading,
    Inline,
    ItemList,
    Paragraph,
    Table,
    blocks_parse,
)
from config.demo.sources import DemoSource

_TABLE_STYLE: Final = "Light Grid Accent 1"


def docx_render(source: DemoSource) -> bytes:
    """Render the document to a Word file."""
    document = Document()
    _properties_set(document, source)
    for block in blocks_parse(source.body):
        _block_add(document, block)
    buffer = BytesIO()
    document.save(buffer)
    return _archive_normalise(buffer)


def _properties_set(document: DocxDocument, source: DemoSource) -> None:
    """Fill in the file's properties, its page header and its base font."""
    document.core_properties.title = source.title
    document.core_properties.author = source.company
    document.styles["Normal"].font.name = "Calibri"
    document.styles["Normal"].font.size = Pt(10.5)
    document.sections[0].header.paragraphs[0].text = source.company


def _block_add(document: DocxDocument, block: Block) -> None:
    """Append one block to the document."""
    match block:
        case Heading():
            _runs_add(document.add_heading(level=block.level), block.content)
        case Paragraph():
            _runs_add(document.add_paragraph(), block.content)
        case ItemList():
            _list_add(document, block)
        case Table():
            _table_add(document, block)


def _list_add(document: DocxDocument, block: ItemList) -> None:
    """Append a bullet list, or a numbered list which starts at one."""
    style = "List Number" if block.numbered else "List Bullet"
    number = _numbering_start(document) if block.numbered else None
    for item in block.items:
        paragraph = document.add_paragraph(style=style)
        if number is not None:
            properties = paragraph.paragraph_format.element.get_or_add_pPr()
            properties.get_or_add_numPr().get_or_add_numId().val = number
        _runs_add(paragraph, item)


def _numbering_start(document: DocxDocument) -> int:
    """Start a new numbering, because Word would continue that of the list before."""
    numbering = document.part.numbering_part.element
    style = document.styles["List Number"].element
    model = numbering.num_having_numId(style.pPr.numPr.numId.val)
    number = numbering.add_num(model.abstractNumId.val)
    number.add_lvlOverride(ilvl=0).add_startOverride(1)
    return int(number.numId)


def _runs_add(paragraph: DocxParagraph, content: Inline) -> None:
    """Append the spans to the paragraph as runs."""
    for span in content:
        # An explicit False would take the weight of a heading's style away.
        paragraph.add_run(span.text).bold = span.bold or None


def _table_add(document: DocxDocument, block: Table) -> None:
    """Append a table with its header row."""
    table = document.add_table(rows=0, cols=len(block.header), style=_TABLE_STYLE)
    for row in (block.header, *block.rows):
        for cell, content in zip(table.add_row().cells, row, strict=True):
            _runs_add(cell.paragraphs[0], content)
    document.add_paragraph()


def _archive_normalise(buffer: BytesIO) -> bytes:
    """Rewrite the archive without the time of day, so that equal sources give equal bytes."""
    output = BytesIO()
    with ZipFile(buffer) as old, ZipFile(output, "w") as new:
        for name in old.namelist():
            new.writestr(ZipInfo(name), old.read(name), compress_type=ZIP_DEFLATED)
    return output.getvalue()
