"""What is known not to be readable: formats that are not opened, pictures and recordings, and bytes without any order.

Such an object is scanned as its bytes, and its report says *partly*: a compressed or encrypted value cannot be seen in
them, and what cannot be seen is not green. Bytes of an unknown type whose first 64 KiB use all values about equally
often (7.5 bits of entropy in each, of 8) are taken for compressed or encrypted; programs and old documents are well
below.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tigertally.base.text import Text

OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENTROPY_BITS: Final = 7.5
_ENTROPY_SAMPLE_MIN: Final = 4_096
_PICTURE: Final = Text(
    "图像、音频或视频，未读取，只扫描了原始字节", "a picture or a recording; not read, only its raw bytes were scanned"
)
_NO_ORDER: Final = Text(
    "内容像是压缩或加密的，只扫描了原始字节", "it looks compressed or encrypted; only its raw bytes were scanned"
)
_FORMATS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, OLE, "OLE (doc, ppt …)"),
    (0, b"Rar!\x1a\x07", "RAR"),
    (0, b"!BDN", "PST"),
    (0, b"Obj\x01", "Avro"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"\x1f\x9d", "compress (.Z)"),
    (0, b"LZIP", "lzip"),
    (0, b"MSCF", "cabinet"),
    (0, b"\xff\x06\x00\x00sNaPpY", "snappy"),
    (0, b"\xed\xab\xee\xdb", "RPM"),
    (0, b"!<arch>\n", "ar (deb)"),
    (0, b"QFI\xfb", "qcow2"),
    (0, b"KDMV", "VMDK"),
    (0, b"LUKS\xba\xbe", "LUKS"),
    (0, b"age-encryption.org/", "age"),
    (0, b"-----BEGIN PGP MESSAGE", "OpenPGP"),
)
_PICTURES: Final[tuple[tuple[int, bytes], ...]] = (
    (0, b"\x89PNG"),
    (0, b"\xff\xd8\xff"),
    (0, b"GIF8"),
    (0, b"II*\x00"),
    (0, b"MM\x00*"),
    (8, b"WEBP"),
    (8, b"WAVE"),
    (8, b"AVI "),
    (4, b"ftyp"),
    (0, b"8BPS"),
    (0, b"\x00\x00\x00\x0cjP  "),
    (0, b"ID3"),
    (0, b"OggS"),
    (0, b"fLaC"),
    (0, b"\x1aE\xdf\xa3"),
)


def why_opaque(head: bytes) -> Text | None:
    """Return why more than its bytes cannot be seen of a file that begins with ``head``, by what it is; else None."""
    for at, magic, format_ in _FORMATS:
        if head.startswith(magic, at):
            return Text(
                f"{format_} 格式尚不能打开，只扫描了原始字节",
                f"{format_} is not opened yet; only its raw bytes were scanned",
            )
    return _PICTURE if any(head.startswith(magic, at) for at, magic in _PICTURES) else None


def without_order(head: bytes) -> Text | None:
    """Return a reason if bytes of an unknown type look compressed or encrypted."""
    if len(head) < _ENTROPY_SAMPLE_MIN:
        return None
    counts = np.bincount(np.frombuffer(head, np.uint8), minlength=256)
    shares = counts[counts > 0] / len(head)
    return _NO_ORDER if float(-(shares * np.log2(shares)).sum()) > _ENTROPY_BITS else None
