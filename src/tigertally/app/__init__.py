"""The application: one installation wired together, and every verb a face can call.

Floor 8. Rooms: ``settings`` (the installation's file), ``wire`` (the house: store, ledger, keys, guard),
``verbs`` (what can be done; ``verbs.attempt`` opens every transaction), ``measures`` (the twenty, computed),
``problems`` (one table from family to look), ``report`` (what a person gets to read afterwards).
"""
