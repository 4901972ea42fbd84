"""The helper behind ``parcels``: standard input, sealed or opened, to standard output. A process of its own.

First four bytes say how long the key is, then the key, then what is to be sealed or opened. Keys come this way so that
no command line, environment or file shows them. It says nothing, exits with 0 when everything was written, and leaves
no core file.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import Final

IN, OUT = "/dev/fd/0", "/dev/fd/1"
LENGTH: Final = 4


def _exactly(length: int) -> bytes:
    """Read from the pipe itself: what follows the key is for the library."""
    found = b""
    while len(found) < length:
        piece = os.read(0, length - len(found))
        if not piece:
            sys.exit(2)
        found += piece
    return found


def main(act: str) -> None:
    """Do ``act``: seal-pgp, seal-age, open-pgp or open-age."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    key = _exactly(int.from_bytes(_exactly(LENGTH), "big"))
    if act.endswith("-age"):
        import pyrage  # noqa: PLC0415 - one of two extras

        text = key.decode("ascii")
        with os.fdopen(0, "rb") as source, os.fdopen(1, "wb") as target:
            if act == "seal-age":
                pyrage.encrypt_io(source, target, [pyrage.x25519.Recipient.from_str(text)])
            else:
                pyrage.decrypt_io(source, target, [pyrage.x25519.Identity.from_str(text)])
        return
    import pysequoia  # noqa: PLC0415 - one of two extras

    if act == "seal-pgp":
        pysequoia.encrypt_file(IN, OUT, recipients=[pysequoia.Cert.from_bytes(key)], armor=False)
    else:
        pysequoia.decrypt_file(IN, OUT, decryptor=pysequoia.Tsk.from_bytes(key).decryptor())


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Exception:  # noqa: BLE001 - a library's words may quote what it was given
        os._exit(1)
