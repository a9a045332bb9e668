"""Ports of this host for programs that are to listen."""

import random
import socket

OURS = range(12_000, 32_000)
"""Below those that the kernel gives to whoever asks for any: until a program listens, nobody gets them by chance."""


def free_port(count: int = 1) -> int:
    """The first of so many ports in a row that nobody listens on now."""
    chance = random.SystemRandom()
    while True:
        first = chance.choice(OURS)
        if all(_is_free(port) for port in range(first, first + count)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
