"""The command line: layout only. Every command calls a verb of ``app`` and shows what comes back.

``base`` holds what all commands share (language, JSON or table, secrets, progress, the edge where problems
become exit codes); the other rooms are one group of commands each, loaded when asked for, so that
``tigertally --help`` is quick.
"""

from tigertally.cli.base import main

__all__ = ["main"]
