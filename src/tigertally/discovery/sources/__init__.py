"""Where objects come from: file trees, database servers, object stores; each lists its entries and how to read them.

``ports`` says what a source offers; ``address`` makes one from what a user typed. Nothing here writes to a source.
"""
