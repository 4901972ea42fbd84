"""The handover: what is sealed at the seller moves to the buyer, with proof, and then no longer is at the seller.

Floor 7. Rooms, in the order of the act: ``release`` (both companies sign what may go), ``trial`` (all but the data),
``bundle`` (sealed parts, counted and rooted), ``checks`` and ``receive`` (verified whole, stored, reconciled,
receipted), ``receipt`` (accepted by the seller), ``copies``, ``plan``, ``destruction``, ``certificates`` (destroyed,
certified, validated), ``unwind`` (a dead deal), ``closing`` and ``bookpages`` (the closing book); ``adapters``: files
for processors, sealed to them. ``terms`` is what the deal's confirmed papers say, ``site`` what long work runs in;
inside: ``folder``, ``erase``, ``papers``, ``events``, ``facts``, ``sql``.

Invariants, as absences: nothing leaves without both companies' signatures; nothing clear touches a disk; nothing is
stored before all of it was verified; nothing is destroyed without a verified receipt and two persons; no step that a
crash interrupts is lost or done twice; no certificate says "unrecoverable".

Left to others: who may ask for any of it (``access``, asked by ``app``), how papers travel.
"""

from tigertally.handover.adapters.answers import Answered, take_answer
from tigertally.handover.adapters.catalogue import Adapter
from tigertally.handover.adapters.catalogue import find as find_adapter
from tigertally.handover.adapters.catalogue import shipped as shipped_adapters
from tigertally.handover.adapters.export import Account, export, rehearse
from tigertally.handover.bundle import abandon, write
from tigertally.handover.certificates import keep_validated, validate_certificate
from tigertally.handover.closing import BookNotReady, ClosingBook, closing_book
from tigertally.handover.copies import CopyKind, Fate, KnownCopy
from tigertally.handover.copies import at as copy_at
from tigertally.handover.copies import decide as decide_copy
from tigertally.handover.copies import known as known_copies
from tigertally.handover.copies import register as register_copy
from tigertally.handover.copies import reidentify as reidentify_copy
from tigertally.handover.destruction import certificate_of
from tigertally.handover.destruction import run as destroy
from tigertally.handover.facts import DESTROYED, RECEIVED, RELEASED
from tigertally.handover.folder import prepare_empty as prepare_folder
from tigertally.handover.plan import DestructionPlan, PlannedCopy, plan
from tigertally.handover.receipt import accept_receipt
from tigertally.handover.receive import receive
from tigertally.handover.release import accept_release, countersign, propose
from tigertally.handover.site import Site
from tigertally.handover.terms import Terms
from tigertally.handover.trial import Trial, try_bundle
from tigertally.handover.unwind import unwind

__all__ = [
    "DESTROYED",
    "RECEIVED",
    "RELEASED",
    "Account",
    "Adapter",
    "Answered",
    "BookNotReady",
    "ClosingBook",
    "CopyKind",
    "DestructionPlan",
    "Fate",
    "KnownCopy",
    "PlannedCopy",
    "Site",
    "Terms",
    "Trial",
    "abandon",
    "accept_receipt",
    "accept_release",
    "certificate_of",
    "closing_book",
    "copy_at",
    "countersign",
    "decide_copy",
    "destroy",
    "export",
    "find_adapter",
    "keep_validated",
    "known_copies",
    "plan",
    "prepare_folder",
    "propose",
    "receive",
    "register_copy",
    "rehearse",
    "reidentify_copy",
    "shipped_adapters",
    "take_answer",
    "try_bundle",
    "unwind",
    "validate_certificate",
    "write",
]
