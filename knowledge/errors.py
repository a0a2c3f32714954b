"""Why a document is refused or cannot be read: stable codes, and sentences for people."""

from __future__ import annotations

from core.errors import Conflict, DomainError, NotFound


class DocumentUnknown(NotFound):
    code = "document_unknown"
    title = "There is no such document; it may have been deleted."


class PassageUnknown(NotFound):
    code = "passage_unknown"
    title = "This passage is no longer part of our documents."


class DocumentBusy(Conflict):
    code = "document_busy"
    title = "The document is being processed; wait until that has finished."


class QueryInvalid(DomainError):
    code = "query_invalid"
    title = "Ask a question of 1 to 2,000 characters."


class DocumentRefused(DomainError):
    """Base of everything that is wrong with a file itself."""

    code = "document_refused"
    http_status = 422


class FileEmpty(DocumentRefused):
    code = "file_empty"
    title = "The file is empty."


class FileTooLarge(DocumentRefused):
    code = "file_too_large"
    http_status = 413
    title = "The file is larger than a document may be."


class FormatUnsupported(DocumentRefused):
    code = "format_unsupported"
    title = "Upload PDF, DOCX, HTML, Markdown, TXT or a CSV with questions and answers."


class ContentMismatch(DocumentRefused):
    code = "content_mismatch"
    title = "The file is not what its name says."


class FilenameInvalid(DocumentRefused):
    code = "filename_invalid"
    title = "The file needs a name of at most 200 characters."


class DocumentEncrypted(DocumentRefused):
    code = "document_encrypted"
    title = "The file is protected by a password; upload it without."


class DocumentDamaged(DocumentRefused):
    code = "document_damaged"
    title = "The file is damaged or incomplete; export it again and upload that."


class DocumentWithoutText(DocumentRefused):
    code = "document_without_text"
    title = "The file contains no text; a scan has to go through text recognition first."


class DocumentTooLong(DocumentRefused):
    code = "document_too_long"
    title = "The document has more pages or text than one document may have; split it."


class ArchiveSuspicious(DocumentRefused):
    code = "archive_suspicious"
    title = "The file unpacks to far more than its size; it looks like a decompression bomb."


class ActiveContent(DocumentRefused):
    code = "active_content"
    title = "The file contains macros; save it as a plain DOCX and upload that."


class ForbiddenMarkup(DocumentRefused):
    code = "forbidden_markup"
    title = "The file declares XML entities, which are not accepted."


class EncodingUnknown(DocumentRefused):
    code = "encoding_unknown"
    title = "The text is in no encoding we recognise; save it as UTF-8."


class FaqMalformed(DocumentRefused):
    code = "faq_malformed"
    title = "The CSV needs a header row with the columns question and answer."


class ExtractionTooExpensive(DocumentRefused):
    code = "extraction_too_expensive"
    title = "Reading the file took more memory or time than a document is worth."


def _family(base: type[DocumentRefused]) -> list[type[DocumentRefused]]:
    return [base, *(found for child in base.__subclasses__() for found in _family(child))]


REFUSALS: dict[str, type[DocumentRefused]] = {
    refusal.code: refusal for refusal in _family(DocumentRefused)
}
