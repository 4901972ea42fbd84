"""Who keeps the root key, as stored. ``vault.custody`` changes it; ``vault.keys`` holds to it."""
