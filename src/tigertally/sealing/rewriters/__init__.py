"""Rewriters: the formats of the estate, read in rows and written again with other values.

One room per format (``delimited``, ``jsontext``, ``plaintext``, ``workbook`` over ``sheet``, ``database``); ``shield``
decides what values become, ``objects`` which rewriter an object goes to, ``containers`` how archives open. Invariants:
what is not replaced keeps its bytes; nothing clear is written, not even for a moment; nothing is unpacked to a disk.
"""
