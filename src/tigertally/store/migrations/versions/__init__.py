"""One file per owner, in the order of the floors: 0001_store, 0002_ledger, and so on.

Each is written by hand, names every constraint as ``store.schema`` would, and uses plain SQL types, not the
wings' tables, so that it means the same for ever. A test holds the sum of them equal to those tables.
"""
