"""The name of this machine, as other machines know it."""

from __future__ import annotations

import socket


def full_host_name() -> str:
    """The fully qualified name if the resolver knows one, else the plain host name.

    The forward lookup of our own name is asked for its canonical name, as `hostname -f` does: reverse lookups
    of one of many addresses would make the name depend on their order.
    """
    name = socket.gethostname()
    if "." in name:
        return name
    try:
        answers = socket.getaddrinfo(name, None, flags=socket.AI_CANONNAME)
    except OSError:
        return name  # no resolver: the plain name is the true one, and the state notices if it changes later
    canonical = next((answer[3] for answer in answers if answer[3]), "")
    return canonical if "." in canonical else name
