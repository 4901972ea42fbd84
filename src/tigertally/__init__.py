"""Tigertally 虎符: move customer payment data when a company is sold, with proof.

The package is a house of ten floors (docs/ARCHITECTURE.md). Start at ``cli`` for what a user
can do, at ``app.verbs`` for what the software does, and at ``base`` for the words it uses.
"""

__version__ = "0.1.0"
