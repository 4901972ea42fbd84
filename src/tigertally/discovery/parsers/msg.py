"""Outlook messages (.msg): headers and bodies as text, attachments as members; the container is read by olefile.

Streams and their numbers: [MS-OXMSG] 2.4 (``__substg1.0_`` + property id + type), [MS-OXPROPS] for the ids. A body
that is there only as compressed RTF is unfolded ([MS-OXRTFCP] 2.2) and handed over as a member, so that the RTF reader
has it.
"""

from __future__ import annotations

import struct
from typing import Final

import olefile

from tigertally.discovery.parsers.frames import CLOSE, DATA, MEMBER, PIECE_BYTES, Job, Sender, Trouble

_UNICODE: Final = "001F"
_ANSI: Final = "001E"
_BINARY: Final = "0102"
_TEXTS: Final = ("0037", "0C1A", "0C1F", "0E04", "0E03", "0E02", "1000", "007D")
_HTML: Final = "1013"
_RTF: Final = "1009"
_NAMES: Final = ("3707", "3704", "3001")
_CONTENT: Final = "3701"
_EMBEDDED: Final = f"__substg1.0_{_CONTENT}000D"
_PROLOGUE: Final = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_RTF_HEADER: Final = struct.Struct("<IIII")
_STORED: Final = 0x414C454D  # MELA
_PACKED: Final = 0x75465A4C  # LZFu
_WINDOW: Final = 4_096
_RTF_BYTES_MAX: Final = 64 * 1024 * 1024
_DEPTH_MAX: Final = 8


def parse(job: Job, out: Sender) -> Trouble | None:
    """Send a message. An OLE file that is none is broken for this parser."""
    with olefile.OleFileIO(job.file) as box:
        if not box.exists("__properties_version1.0"):
            return Trouble.BROKEN
        _message(box, [], out, 0)
    return None


def _message(box: olefile.OleFileIO, folder: list[str], out: Sender, depth: int) -> None:
    """Send the message in ``folder`` of the container, those inside it too."""
    streams = {entry[-1]: entry for entry in box.listdir() if entry[:-1] == folder}
    said = False
    for number in _TEXTS:
        text = _text(box, streams, number)
        if text:
            out.text(text + "\n")
            said = said or number == "1000"
    for kind in (_BINARY, _UNICODE, _ANSI):
        if entry := streams.get(f"__substg1.0_{_HTML}{kind}"):
            data = _read(box, entry)
            _member(out, "body.html", data if kind != _UNICODE else data.decode("utf-16-le", "replace").encode())
            said = True
    entry = streams.get(f"__substg1.0_{_RTF}{_BINARY}")
    if entry and not said:
        body = unfold_rtf(_read(box, entry))
        if body is None:
            out.weak(Trouble.RICH)
        else:
            _member(out, "body.rtf", body)
    inner = {
        entry[len(folder)] for entry in box.listdir() if len(entry) > len(folder) + 1 and entry[: len(folder)] == folder
    }
    for name in sorted(inner):
        if name.startswith("__attach_version1.0_"):
            _attachment(box, [*folder, name], out, depth)


def _attachment(box: olefile.OleFileIO, folder: list[str], out: Sender, depth: int) -> None:
    streams = {entry[-1]: entry for entry in box.listdir() if entry[:-1] == folder}
    name = next((text for number in _NAMES if (text := _text(box, streams, number))), "attachment")
    if entry := streams.get(f"__substg1.0_{_CONTENT}{_BINARY}"):
        _member(out, name, _read(box, entry))
    elif box.exists([*folder, _EMBEDDED]):
        if depth >= _DEPTH_MAX:
            out.weak(Trouble.PARTS)
        else:
            _message(box, [*folder, _EMBEDDED], out, depth + 1)
    else:
        out.weak(Trouble.PARTS)


def _member(out: Sender, name: str, data: bytes) -> None:
    out.said(MEMBER, {"name": name, "size": len(data), "skip": None})
    for start in range(0, len(data), PIECE_BYTES):
        out.frame(DATA, data[start : start + PIECE_BYTES])
    out.said(CLOSE, {"broken": False})


def _text(box: olefile.OleFileIO, streams: dict[str, list[str]], number: str) -> str:
    if entry := streams.get(f"__substg1.0_{number}{_UNICODE}"):
        return _read(box, entry).decode("utf-16-le", "replace").rstrip("\x00")
    if entry := streams.get(f"__substg1.0_{number}{_ANSI}"):
        raw = _read(box, entry).rstrip(b"\x00")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw.decode("gb18030", "replace")
    return ""


def _read(box: olefile.OleFileIO, entry: list[str]) -> bytes:
    with box.openstream(entry) as stream:
        return bytes(stream.read())


def unfold_rtf(data: bytes) -> bytes | None:
    """Return the RTF that PidTagRtfCompressed holds ([MS-OXRTFCP] 2.2.2), None for what is none."""
    if len(data) < _RTF_HEADER.size:
        return None
    _, size, kind, _ = _RTF_HEADER.unpack_from(data)
    if size > _RTF_BYTES_MAX or kind not in (_STORED, _PACKED):
        return None
    packed = data[_RTF_HEADER.size :]
    return packed[:size] if kind == _STORED else _unfolded(packed, size)


def _unfolded(packed: bytes, size: int) -> bytes:
    """Return the text of runs: a control byte says which of the next eight are literal and which refer back."""
    window = bytearray(_PROLOGUE.ljust(_WINDOW, b" "))
    write, at, out = len(_PROLOGUE), 0, bytearray()
    while at < len(packed) and len(out) < size:
        control, at = packed[at], at + 1
        for bit in range(8):
            refers = bool(control >> bit & 1)
            word = packed[at : at + 1 + refers]
            at += len(word)
            if len(word) < 1 + refers:
                return bytes(out)
            offset = int.from_bytes(word, "big") >> 4 if refers else 0
            if refers and offset == write:
                return bytes(out)
            for step in range((word[1] & 15) + 2 if refers else 1):
                byte = window[(offset + step) % _WINDOW] if refers else word[0]
                out.append(byte)
                window[write] = byte
                write = (write + 1) % _WINDOW
    return bytes(out)
