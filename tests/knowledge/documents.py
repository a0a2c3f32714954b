"""Files for the tests of the knowledge app, made in memory."""

from __future__ import annotations

import io
import zipfile

from docx import Document as DocxDocument
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from knowledge import services
from knowledge.models import Document
from knowledge.pipeline import document_ingest

RETURNS = b"""# Returns

Unworn clothing can be returned within 60 days of delivery for a full refund.
Boots worn outdoors can be exchanged once within 21 days.

## Refunds

The money is paid back to your card within five working days.
"""


def pdf(*lines: str, password: str = "") -> bytes:
    """Return a one-page PDF with these lines, encrypted when a password is given."""
    buffer = io.BytesIO()
    encryption = StandardEncryption(password, ownerPassword="owner") if password else None
    canvas = Canvas(buffer, pagesize=A4, encrypt=encryption)
    for number, line in enumerate(lines):
        canvas.drawString(72, 760 - 14 * number, line)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def docx(*paragraphs: str) -> bytes:
    """Return a DOCX with a heading and these paragraphs."""
    buffer = io.BytesIO()
    document = DocxDocument()
    document.add_heading("Delivery", level=1)
    for text in paragraphs:
        document.add_paragraph(text)
    document.save(buffer)
    return buffer.getvalue()


def docx_with(name: str, content: bytes) -> bytes:
    """Return a DOCX with one part added or replaced."""
    buffer = io.BytesIO()
    source = zipfile.ZipFile(io.BytesIO(docx("Parcels arrive on weekdays.")))
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            if entry.filename != name:
                target.writestr(entry, source.read(entry))
        target.writestr(name, content)
    return buffer.getvalue()


def ingested(filename: str = "returns.md", content: bytes = RETURNS, **fields: str) -> Document:
    """Return a document that has gone through the whole pipeline."""
    document = services.document_upload(
        filename=filename, content=content, uploaded_by=None, **fields
    )
    document_ingest(document.pk)
    document.refresh_from_db()
    return document
