"""What a file is: decided by its bytes, whatever its name pretends."""

from __future__ import annotations

from contextlib import suppress

import pytest

from conversations.attachments.media import MAX_PIXELS, Media, media_sniff
from conversations.errors import (
    AttachmentEmpty,
    AttachmentImageTooLarge,
    AttachmentMismatch,
    AttachmentTypeUnsupported,
    AttachmentUnsafe,
)
from core.errors import DomainError
from core.uploads import filename_clean
from tests.conversations.files import PDF, archive, docx, gif, jpeg, odt, png, webp

OOXML = "application/vnd.openxmlformats-officedocument"


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("tent.png", png(), "image/png"),
        ("tent.JPG", jpeg(), "image/jpeg"),
        ("tent.gif", gif(), "image/gif"),
        ("tent.webp", webp(), "image/webp"),
        ("tent.webp", webp(b"VP8L"), "image/webp"),
        ("tent.webp", webp(b"VP8 "), "image/webp"),
    ],
)
def test_picture_is_known_with_its_size(name: str, content: bytes, media_type: str) -> None:
    assert media_sniff(name=name, content=content) == Media(media_type, 2, 3)


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("bill.pdf", PDF, "application/pdf"),
        ("notes.txt", "Größe: 3 €\n".encode(), "text/plain"),
        ("orders.csv", b"a,b\n1,2\n", "text/csv"),
        ("letter.docx", docx(), f"{OOXML}.wordprocessingml.document"),
        ("sums.xlsx", archive("[Content_Types].xml", "xl/a.xml"), f"{OOXML}.spreadsheetml.sheet"),
        ("letter.odt", odt(), "application/vnd.oasis.opendocument.text"),
    ],
)
def test_document_is_known(name: str, content: bytes, media_type: str) -> None:
    assert media_sniff(name=name, content=content) == Media(media_type)


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("nothing.txt", b"", AttachmentEmpty),
        ("page.html", b"<script>alert(1)</script>", AttachmentTypeUnsupported),
        ("drawing.svg", b"<svg/>", AttachmentTypeUnsupported),
        ("files.zip", archive("a.txt"), AttachmentTypeUnsupported),
        ("noending", b"text", AttachmentTypeUnsupported),
        ("tent.png", b"MZ\x90\x00", AttachmentMismatch),
        ("tent.png", PDF, AttachmentMismatch),
        ("tent.png", jpeg(), AttachmentMismatch),
        ("tent.png", b"<html>", AttachmentMismatch),
        ("bill.pdf", b"\n" + PDF, AttachmentMismatch),
        ("notes.txt", PDF, AttachmentMismatch),
        ("notes.txt", b"a\x00b", AttachmentMismatch),
        ("notes.txt", b"\xff\xfea\x00", AttachmentMismatch),
        ("letter.docx", archive("a.txt"), AttachmentMismatch),
        ("letter.docx", b"PK\x03\x04broken", AttachmentMismatch),
        ("letter.docx", archive("[Content_Types].xml", "xl/a.xml"), AttachmentMismatch),
        ("letter.docx", docx("ppt/a.xml"), AttachmentMismatch),
        ("letter.docx", docx("word/vbaProject.bin"), AttachmentUnsafe),
        ("tent.png", png() + archive("a.txt"), AttachmentUnsafe),
        ("bill.pdf", PDF + archive("a.txt"), AttachmentUnsafe),
        ("tent.gif", gif() + PDF, AttachmentUnsafe),
        ("tent.png", png()[:18], AttachmentMismatch),
        ("tent.png", png(0, 3), AttachmentMismatch),
        ("tent.jpg", b"\xff\xd8\xff\xe0\x00\x10", AttachmentMismatch),
        ("tent.webp", webp()[:20], AttachmentMismatch),
        ("tent.png", png(MAX_PIXELS, 2), AttachmentImageTooLarge),
        ("tent.jpg", jpeg(60_000, 60_000), AttachmentImageTooLarge),
    ],
)
def test_what_is_wrong_is_refused_by_name(
    name: str, content: bytes, refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal):
        media_sniff(name=name, content=content)


@pytest.mark.parametrize("cut", range(0, 60, 3))
@pytest.mark.parametrize(
    ("name", "whole"),
    [("a.jpg", jpeg()), ("a.webp", webp()), ("a.gif", gif()), ("a.png", png()), ("a.docx", docx())],
)
def test_a_torn_file_is_refused_or_known_and_breaks_nothing(
    name: str, whole: bytes, cut: int
) -> None:
    with suppress(DomainError):
        assert media_sniff(name=name, content=whole[:cut]).media_type


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\me\\tent.png", "tent.png"),
        ("bill\u202egnp.pdf", "billgnp.pdf"),
        ("a\x00b\x07\r\n.txt", "ab.txt"),
        ("  two   words .txt ", "two words .txt"),
        ("e\u0301.txt", "é.txt"),
        ("zero\u200bwidth.txt", "zerowidth.txt"),
        ("..", ""),
        ("\u202e", ""),
    ],
)
def test_name_is_bare_and_shows_what_it_is(sent: str, kept: str) -> None:
    assert filename_clean(sent) == kept
