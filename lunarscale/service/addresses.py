"""Where a request comes from, as far as it tells callers apart."""

import ipaddress
import re

#: Of what is no address, all together.
UNKNOWN = "unknown"

#: Some proxies write the port too: ``192.0.2.7:4711``, ``[2001:db8::7]:4711``.
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([\d.]+):\d+", re.ASCII)


def network_of(text: str) -> str:
    """The address, or of IPv6 the network of 64 bits that one customer has.

    An IPv4 address is the same one however it was written: a server that listens to both kinds
    sees ``::ffff:192.0.2.7``, and all of those would be one network.
    """
    written = _WITH_PORT.fullmatch(text)
    bare = text if written is None else written[1] or written[2] or ""
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
