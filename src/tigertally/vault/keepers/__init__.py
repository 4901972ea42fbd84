"""Keepers of the root key, one room each. All behave as ``vault.ports.KeyKeeper`` says."""
