"""Whether a server is on this machine: to others, customers' values travel under TLS, unless the user says no."""

from __future__ import annotations

import ipaddress


def is_here(host: str) -> bool:
    """Return whether a host is this machine: customers' values may travel to it without TLS."""
    if host in ("", "localhost") or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
