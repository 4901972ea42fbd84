"""``--detectors DIR``: detector files of the user's own, for the commands that search for values."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path

import click

from tigertally.cli.language import option
from tigertally.discovery import own_detectors, using


def detecting(command: Callable[..., object]) -> Callable[..., object]:
    """Add the option; the command runs with our own detectors and those in the folder."""

    @wraps(command)
    def run(*args: object, detectors: Path | None, **rest: object) -> object:
        if detectors is None:
            return command(*args, **rest)
        with using(own_detectors(detectors)):
            return command(*args, **rest)

    add = option(
        "--detectors",
        type=click.Path(path_type=Path),
        zh="自定义检测器文件夹（*.toml）",
        en="a folder of detectors of your own (*.toml)",
    )
    return add(run)
