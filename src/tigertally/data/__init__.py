"""Content, not code: issuer ranges, region codes, test numbers. Text files and the few lines that read them.

Below every wing, above nothing: imports the standard library only, reads its files on first use.
"""
