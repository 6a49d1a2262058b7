"""Which addresses mean this machine alone: the only ones that nodes and coordinators use without a secret."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether an address or name means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
