"""Every kind of entry and fact, known in every process that opens an installation.

A wing registers its kinds when it is imported, and a command imports what it needs. But a decision reads facts of other
wings than its own (a stage of a deal asks whether a handover was released), and a reader of the ledger wants the words
of all of them. So whoever opens an installation imports this room, which imports every room that registers a kind.
"""

from __future__ import annotations

from tigertally import deals, handover, people, sealing, vault
from tigertally.app import mark
from tigertally.app.verbs import attempt, backup, beat, canaries, copies, customers, restore, revealing
from tigertally.app.verbs import vault as vault_verbs

ROOMS = (deals, handover, people, sealing, vault, mark, attempt, backup, beat, copies, customers, restore)
MORE_ROOMS = (canaries, revealing, vault_verbs)
