"""The digit finder under AddressSanitizer and UndefinedBehaviorSanitizer, fed with soups of what it looks for.

``make fuzz`` runs it for longer, from another seed each time.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HARNESS = Path(__file__).with_name("core_fuzz.c")
ROUNDS = 100_000
FLAGS = "-std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -Wall -Wextra -Werror".split()


def test_no_byte_outside_is_read_and_nothing_is_undefined(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler on this machine")
    program = tmp_path / "core_fuzz"
    built = subprocess.run([compiler, *FLAGS, str(HARNESS), "-o", str(program)], capture_output=True, check=False)
    if built.returncode and b"sanitize" in built.stderr + built.stdout:
        pytest.skip("this compiler has no sanitizers")
    assert built.returncode == 0, built.stderr.decode()
    done = subprocess.run([str(program), str(ROUNDS), "1"], capture_output=True, timeout=300, check=False)
    told = (done.stdout + done.stderr).decode("utf-8", "replace")[-4000:]
    assert (done.returncode, done.stdout) == (0, b"fine\n"), told
