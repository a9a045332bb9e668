"""What can go wrong between an agent and a cluster: a fault is what one request to the stand-in meets."""

from __future__ import annotations

import gzip
import json

from support.bulk_server import Exchange, Fault, Item, Verdict, failed_item


def whole(status: int, kind: str = "some_exception", reason: str = "a reason") -> Fault:
    """Nothing is stored, and the request fails as a whole."""
    return lambda exchange: exchange.answer(status, {"error": {"type": kind, "reason": reason}, "status": status})


def page(status: int, text: str = "<html>Bad gateway</html>") -> Fault:
    """Nothing is stored; a proxy answers in HTML."""
    return lambda exchange: exchange.answer(status, text)


def items(verdict: Verdict) -> Fault:
    """The documents for which the verdict gives a result get it; the others are stored."""
    return lambda exchange: exchange.answer_items(exchange.store(verdict))


def reset_before_storing(exchange: Exchange) -> None:
    """The node dies before it has stored anything."""
    exchange.break_off()


def reset_after_receipt(exchange: Exchange) -> None:
    """Everything is stored, and the answer is lost."""
    exchange.store()
    exchange.break_off()


def reset_while_storing(exchange: Exchange) -> None:
    """The node dies when it has stored every other document."""
    kept = {creation.id for creation in exchange.creations[::2]}
    exchange.store(lambda index, name, body: None if name in kept else failed_item(503, "node_closed_exception"))
    exchange.break_off()


def one_item_missing(exchange: Exchange) -> None:
    """Everything is stored, and the answer speaks of one document less."""
    exchange.answer_items(exchange.store()[1:])


def one_item_too_many(exchange: Exchange) -> None:
    """Everything is stored, and the answer speaks of one document more."""
    found = exchange.store()
    exchange.answer_items([*found, found[0]])


def items_cut_off(exchange: Exchange) -> None:
    """Everything is stored, and the answer ends in the middle of its items, as if that were all."""
    answer = json.dumps({"errors": False, "items": exchange.store()}).encode()
    exchange.answer(200, answer[: len(answer) // 2])


def broken_gzip(exchange: Exchange) -> None:
    """Everything is stored, and the compressed answer cannot be decompressed."""
    answer = bytearray(gzip.compress(json.dumps({"errors": False, "items": exchange.store()}).encode()))
    answer[len(answer) // 2] ^= 0xFF
    exchange.answer(200, bytes(answer), content_encoding="gzip")


def half_a_gzip(exchange: Exchange) -> None:
    """Everything is stored, and the compressed answer ends early."""
    answer = gzip.compress(json.dumps({"errors": False, "items": exchange.store()}).encode())
    exchange.answer(200, answer[: len(answer) // 2], content_encoding="gzip")


def no_http(exchange: Exchange) -> None:
    """Everything is stored, and what comes back is no HTTP."""
    exchange.store()
    exchange.send(b"220 mail.example.org ESMTP\r\n")
    exchange.hang_up()


def redirect(exchange: Exchange) -> None:
    """Nothing is stored; a proxy points elsewhere, where a page says that all is well."""
    exchange.answer(307, "<html>Moved</html>", location=f"{exchange.server.url}/elsewhere")


def dripping_body(exchange: Exchange) -> None:
    """Everything is stored, and the answer comes a byte at a time, without end."""
    exchange.store()
    exchange.drip(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n ")


def dripping_headers(exchange: Exchange) -> None:
    """Everything is stored, and not even the headers of the answer come to an end."""
    exchange.store()
    exchange.drip(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-long: ..")


def half_an_answer(exchange: Exchange) -> None:
    """Everything is stored, and the connection ends in the middle of the answer."""
    whole_answer = json.dumps({"errors": False, "items": exchange.store()}).encode()
    exchange.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
    exchange.send(b"content-length: %d\r\n\r\n%b" % (len(whole_answer), whole_answer[: len(whole_answer) // 2]))
    exchange.hang_up()


def no_answer(exchange: Exchange) -> None:
    """Everything is stored, and the node falls silent."""
    exchange.store()
    exchange.fall_silent()


def swallowed(exchange: Exchange) -> None:
    """Nothing is stored, and nothing is said: a connection that only the client believes in."""
    exchange.fall_silent()


def half_closed_when_idle(exchange: Exchange) -> None:
    """All goes well, and then the server ends its side of the connection without a word in the answer."""
    exchange.answer_items(exchange.store())
    exchange.half_close()


def in_the_failure_store(share: int = 2) -> Fault:
    """Every so many documents are taken by the failure store in place of their index."""
    return some_items(share, {"create": {"status": 201, "failure_store": "used"}})


def some_items(share: int, result: Item) -> Fault:
    """Every so many documents get this result, the others are stored."""

    def fault(exchange: Exchange) -> None:
        chosen = {creation.id for creation in exchange.creations[::share]}
        exchange.answer_items(exchange.store(lambda index, name, body: result if name in chosen else None))

    return fault
