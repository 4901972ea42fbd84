"""``demo``: a fictional company is sold, from the first scan to the certificate, by the commands a user would type.

Rooms: ``stage`` (runs commands as ``tigertally`` does and keeps what they said), ``play`` (the acts, in order),
``report`` (what a person reads afterwards). Seller and buyer are two installations in two folders with two databases
and two root keys; only files in ``exchange/`` pass between them. Nothing is faked: a command that does not do what
the play expects ends the demo with its own words.
"""

from tigertally.cli.demo.command import demo_command

__all__ = ["demo_command"]
