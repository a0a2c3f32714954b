"""Every format is read, and every hostile file refused with a code and a sentence."""

from __future__ import annotations

import pytest

from knowledge.errors import DocumentRefused
from knowledge.extraction import Block, BlockKind, extract, format_sniff
from knowledge.types import DocumentFormat
from tests.knowledge.documents import docx, docx_with, pdf

HTML = b"""<!doctype html><html><head><title>Shop</title><meta charset="utf-8"></head><body>
<nav><a href="/">Home</a></nav><main><h1>Prices</h1><p>All prices include <b>VAT</b>.</p>
<script>alert(1)</script><ul><li>Laces are free.</li></ul>
<table><tr><th>Product</th><th>Price</th></tr><tr><td>Boots</td><td>169</td></tr></table>
</main><footer>Imprint</footer></body></html>"""
TXT = b"""Price List
==========

Jackets
-------

Number  Product
------  -------------
AC-1    Rain Jacket
AC-2    Down Jacket

- first item goes
  over two lines
- second item
"""


def texts(filename: str, content: bytes) -> list[tuple[str, str]]:
    kind = format_sniff(filename=filename, content=content)
    return [(b.kind.value, b.text) for b in extract(kind=kind, content=content).blocks]


def test_html_keeps_main_content_headings_lists_and_table_rows() -> None:
    assert texts("a.html", HTML) == [
        ("heading", "Prices"),
        ("paragraph", "All prices include VAT."),
        ("item", "Laces are free."),
        ("row", "Product: Boots; Price: 169"),
    ]


def test_html_without_main_falls_back_to_the_whole_text() -> None:
    page = b"<html><body><div>Open from nine to five.<br>Closed on Sundays.</div></body></html>"

    assert "Open from nine to five. Closed on Sundays." in texts("a.htm", page)[0][1]


def test_plain_text_finds_headings_tables_and_lists() -> None:
    assert texts("a.txt", TXT) == [
        ("heading", "Price List"),
        ("heading", "Jackets"),
        ("row", "Number: AC-1; Product: Rain Jacket"),
        ("row", "Number: AC-2; Product: Down Jacket"),
        ("item", "first item goes over two lines"),
        ("item", "second item"),
    ]


def test_markdown_keeps_structure_and_drops_tags() -> None:
    content = b"# A\n\nText <b>bold</b> and `code`.\n\n- one\n- two\n\n| H |\n| --- |\n| c |\n"

    assert texts("a.md", content) == [
        ("heading", "A"),
        ("paragraph", "Text bold and code."),
        ("item", "one"),
        ("item", "two"),
        ("row", "H: c"),
    ]


def test_faq_csv_gives_questions_as_headings() -> None:
    content = b"Question;Answer\nDo you ship?;Yes, everywhere.\n;\n"

    assert texts("faq.csv", content) == [
        ("heading", "Do you ship?"),
        ("paragraph", "Yes, everywhere."),
    ]


def test_docx_keeps_headings() -> None:
    assert texts("a.docx", docx("Parcels arrive on weekdays."))[:2] == [
        ("heading", "Delivery"),
        ("paragraph", "Parcels arrive on weekdays."),
    ]


def test_pdf_joins_lines_and_keeps_the_page() -> None:
    content = pdf("Parcels to Ireland arrive on the next", "working day if ordered in time.")
    blocks = extract(kind=DocumentFormat.PDF, content=content).blocks

    sentence = "Parcels to Ireland arrive on the next working day if ordered in time."
    assert blocks == (Block(BlockKind.PARAGRAPH, sentence, page=1),)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-8", "Größe 40 €"), ("utf-16", "Größe 40 €"), ("utf-8-sig", "Größe 40 €")],
)
def test_plain_text_is_read_in_its_encoding(encoding: str, text: str) -> None:
    assert texts("a.txt", text.encode(encoding)) == [("paragraph", text)]


def test_latin_1_text_is_recognised() -> None:
    text = "Die Rückgabe ist für alle Größen möglich, außer für geöffnete Wäsche. " * 5

    assert texts("a.txt", text.encode("latin-1"))[0][1] == text.strip()


HOSTILE = {
    "empty": ("a.txt", b"", "file_empty"),
    "only white space": ("a.md", b" \n\t ", "file_empty"),
    "unknown extension": ("a.xls", b"x", "format_unsupported"),
    "no extension": ("readme", b"x", "format_unsupported"),
    "program named pdf": ("a.pdf", b"MZ\x90\x00" + b"\x00" * 100, "content_mismatch"),
    "linux program named docx": ("a.docx", b"\x7fELF" + b"\x00" * 100, "content_mismatch"),
    "text named pdf": ("a.pdf", b"just text", "content_mismatch"),
    "zip named txt": ("a.txt", b"PK\x03\x04rest", "content_mismatch"),
    "binary named md": ("a.md", b"\x00\x01\x02\x03" * 100, "content_mismatch"),
    "image named html": ("a.html", b"\x89PNG\r\n\x1a\n", "content_mismatch"),
    "encrypted office container": (
        "a.docx",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 64,
        "document_encrypted",
    ),
    "truncated pdf": ("a.pdf", pdf("Hello")[:-400], "document_damaged"),
    "garbage with a pdf header": (
        "a.pdf",
        b"%PDF-1.7\n" + b"x" * 50 + b"%%EOF",
        "document_damaged",
    ),
    "encrypted pdf": ("a.pdf", pdf("Secret", password="pw"), "document_encrypted"),
    "pdf without text": ("a.pdf", pdf(), "document_without_text"),
    "zip that is no document": ("a.docx", b"PK\x03\x04" + b"\x00" * 30, "document_damaged"),
    "docx bomb": (
        "a.docx",
        docx_with("word/media/image1.bin", b"\x00" * 60_000_000),
        "archive_suspicious",
    ),
    "docx with macros": ("a.docx", docx_with("word/vbaProject.bin", b"x"), "active_content"),
    "docx with entities": (
        "a.docx",
        docx_with(
            "word/document.xml",
            b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>',
        ),
        "forbidden_markup",
    ),
    "docx without a document": ("a.docx", docx_with("word/document.xml", b""), "document_damaged"),
    "csv without the columns": ("a.csv", b"name,price\na,1\n", "faq_malformed"),
    "html without text": (
        "a.html",
        b"<html><body><script>1</script></body></html>",
        "document_without_text",
    ),
}


@pytest.mark.parametrize(("filename", "content", "code"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_file_is_refused_with_a_reason(filename: str, content: bytes, code: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        texts(filename, content)

    assert refused.value.code == code
    assert len(refused.value.detail) > 10


def test_deeply_nested_html_harms_nothing() -> None:
    content = b"<html><body>" + b"<div>" * 50_000 + b"deep" + b"</div>" * 50_000

    with pytest.raises(DocumentRefused):
        texts("a.html", content)
