"""The verifier as one file: floors 0–2 in a zip that Python runs. The same sources give the same bytes.

So somebody who got it from the other side can build their own and compare digests, or read it: it is source.
"""

from __future__ import annotations

import io
import zipfile
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from tigertally.app.errors import NotWritable
from tigertally.app.settings import write_whole
from tigertally.crypto.digest import sha256_hex

FLOORS: Final = ("base", "crypto", "formats")
_SHEBANG: Final = b"#!/usr/bin/env python3\n"
_MAIN: Final = "from tigertally.formats.verify.alone import main\n\nmain()\n"
_DATED: Final = (1980, 1, 1, 0, 0, 0)


def content() -> bytes:
    """Return the file's bytes."""
    root = resources.files("tigertally")
    sources = {"__main__.py": _MAIN, "tigertally/__init__.py": root.joinpath("__init__.py").read_text("utf-8")}
    for floor in FLOORS:
        sources.update(_sources(root.joinpath(floor), f"tigertally/{floor}"))
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(sources):
            info = zipfile.ZipInfo(name, date_time=_DATED)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, sources[name])
    return _SHEBANG + whole.getvalue()


def write(out: Path) -> str:
    """Write the verifier; return its SHA-256. Raises :class:`NotWritable`."""
    data = content()
    try:
        write_whole(out, data, mode=0o755)
    except OSError as error:
        raise NotWritable(path=out, reason=type(error).__name__) from None
    return sha256_hex(data)


def _sources(folder: Traversable, name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in folder.iterdir():
        if item.is_dir() and item.name != "__pycache__":
            found.update(_sources(item, f"{name}/{item.name}"))
        elif item.name.endswith(".py"):
            found[f"{name}/{item.name}"] = item.read_text("utf-8")
    return found
