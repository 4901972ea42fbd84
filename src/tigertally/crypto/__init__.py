"""Cryptography: the only floor that touches the ``cryptography`` library.

Rooms: ``suites`` (named sets of algorithms), ``aead`` (fields and keys), ``stream`` (files of any
size), ``ff1`` and its ``numerals`` (keeps length and alphabet), ``kdf``, ``digest`` and ``cmac`` (keyed
digests), ``sign`` (double signatures, note keys), ``hpke`` (sealing to a party), ``sm2`` (both, of
``guomi-1``), ``algorithms`` and ``certificates`` (for inventories), ``merkle`` (RFC 6962),
``totp``.

Invariants, as absences: no public function takes a nonce; decryption has one error
(:class:`~tigertally.crypto.errors.DecryptionFailed`); nothing sealed lacks its version and suite
bytes; no key leaves as ``bytes`` except through ``SecretBytes``.
"""
