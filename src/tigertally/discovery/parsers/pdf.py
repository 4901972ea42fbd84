"""PDF: the text of each page, what notes and form fields say, and attached files, read by PDFium.

A page that shows something but has no text is a picture of a page, and is said to be one.
"""

from __future__ import annotations

import ctypes
from typing import Final

import pypdfium2 as pdfium
import pypdfium2.raw as c

from tigertally.discovery.parsers.frames import CLOSE, DATA, MEMBER, PIECE_BYTES, Job, Sender, Trouble

PAGES_MAX: Final = 200_000
_ATTACHED_MAX: Final = 10_000
_KEYS: Final = (b"V", b"Contents", b"DV")
_VALUE_BYTES_MAX: Final = 1024 * 1024


def parse(job: Job, out: Sender) -> Trouble | None:
    """Send the text of all pages, then the attachments."""
    try:
        document = pdfium.PdfDocument(job.file, autoclose=False)
    except pdfium.PdfiumError as problem:
        return Trouble.ENCRYPTED if getattr(problem, "err_code", None) == c.FPDF_ERR_PASSWORD else Trouble.BROKEN
    pictures = broken = False
    pages = len(document)
    for number in range(min(pages, PAGES_MAX)):
        try:
            pictures |= _page(document, number, out)
        except pdfium.PdfiumError:
            broken = True
    if broken or pages > PAGES_MAX:
        out.weak(Trouble.PARTS)
    if pictures:
        out.weak(Trouble.IMAGES)
    _attachments(document, out)
    document.close()
    return None


def _page(document: pdfium.PdfDocument, number: int, out: Sender) -> bool:
    """Send a page's text; return whether it shows something and has none."""
    page = document[number]
    try:
        text_page = page.get_textpage()
        text = text_page.get_text_range() if text_page.count_chars() else ""
        text_page.close()
        out.text(f"{text}\n")
        notes = _notes(page)
        if notes:
            out.text("\n".join(notes) + "\n")
        return not text.strip() and c.FPDFPage_CountObjects(page) > 0
    finally:
        page.close()


def _notes(page: pdfium.PdfPage) -> list[str]:
    """Return what annotations and form fields of a page hold."""
    found: list[str] = []
    for index in range(c.FPDFPage_GetAnnotCount(page)):
        note = c.FPDFPage_GetAnnot(page, index)
        if not note:
            continue
        for key in _KEYS:
            size = c.FPDFAnnot_GetStringValue(note, key, None, 0)
            if 2 < size <= _VALUE_BYTES_MAX:  # noqa: PLR2004 - two bytes are the end mark alone
                held = ctypes.create_string_buffer(size)
                c.FPDFAnnot_GetStringValue(note, key, ctypes.cast(held, ctypes.POINTER(c.FPDF_WCHAR)), size)
                found.append(held.raw[: size - 2].decode("utf-16-le", "replace"))
        c.FPDFPage_CloseAnnot(note)
    return found


def _attachments(document: pdfium.PdfDocument, out: Sender) -> None:
    for index in range(min(document.count_attachments(), _ATTACHED_MAX)):
        try:
            attachment = document.get_attachment(index)
            name = attachment.get_name()
            data = memoryview(attachment.get_data())
        except pdfium.PdfiumError:
            out.weak(Trouble.PARTS)
            continue
        out.said(MEMBER, {"name": name, "size": data.nbytes, "skip": None})
        for start in range(0, data.nbytes, PIECE_BYTES):
            out.frame(DATA, data.cast("B")[start : start + PIECE_BYTES])
        out.said(CLOSE, {"broken": False})
