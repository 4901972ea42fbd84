"""``python -m tigertally.cli``."""

from tigertally.cli import main

main()
