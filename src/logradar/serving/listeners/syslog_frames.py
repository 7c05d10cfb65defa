"""Syslog frames: the messages in the bytes of one TCP connection, however the network divided them.

Two framings are in use (RFC 6587, section 3.4): octet counting (``17 <34>1 - - - - - -``) and an end mark, which is a
line feed, or a NUL byte from Python's SysLogHandler. Which one a message has is seen at its first bytes, so that a
sender, or a relay of several, may mix them.
"""

from __future__ import annotations

import re
from typing import Final

LIMIT: Final = 1 << 16  # bytes of a message
_FAR: Final = 16  # a count above so many limits is no count: whoever believes it waits for gigabytes
_COUNT: Final = re.compile(rb"([1-9][0-9]{0,8}) (?=<[0-9])")
_MAYBE_COUNT: Final = re.compile(rb"[1-9][0-9]{0,8}(?: <?)?\Z")
_ENDS: Final = b"\r\n\0"


class Frames:
    """Divides the bytes of one connection into messages; work and memory are bounded by the bytes that come.

    A message of more than ``limit`` bytes is cut there (``cut`` counts them) and the rest of it is passed over.
    ``incomplete`` counts messages of which fewer bytes came than their sender counted. Empty messages are left out.

    >>> frames = Frames()
    >>> frames.feed(b"<13>one\\n7 <13>t"), frames.feed(b"wo<13>th"), frames.end()
    ([b'<13>one'], [b'<13>two'], [b'<13>th'])
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.cut = self.incomplete = 0
        self._limit = limit
        self._held = bytearray()  # begins with a message that is not complete
        self._searched = 0  # bytes of it in which no end mark is
        self._need = 0  # octets that the message has, 0: it ends at an end mark
        self._skip = 0  # octets that belong to a message that was cut
        self._passing = False  # whether what comes belongs to a cut message, up to the next end mark

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete once ``data`` has come."""
        held = self._held
        found: list[bytes] = []
        held += data
        at, size = 0, len(held)
        line_feed = nul = -1
        while at < size:
            if self._skip:
                step = min(self._skip, size - at)
                at, self._skip = at + step, self._skip - step
                continue
            if not self._need and not self._passing:
                first = held[at]
                if first in _ENDS:
                    at += 1
                    continue
                if 49 <= first <= 57:  # a digit from 1 to 9
                    if counted := _COUNT.match(held, at):
                        number = int(counted[1])
                        if number <= _FAR * self._limit:
                            at, self._need = counted.end(), number
                            continue
                    elif _MAYBE_COUNT.match(held, at):
                        break
            if self._need:
                length = min(self._need, self._limit)
                if size - at < length:
                    break
                self._take(found, held[at : at + length], self._need > length)
                at, self._skip, self._need = at + length, self._need - length, 0
                continue
            start = max(at, self._searched)
            if line_feed < start:
                line_feed = _place(held, b"\n", start)
            if nul < start:
                nul = _place(held, b"\0", start)
            end = min(line_feed, nul)
            if end >= size:
                if self._passing:
                    at = size
                elif size - at > self._limit:
                    self._take(found, held[at : at + self._limit], True)
                    at, self._passing = size, True
                else:
                    self._searched = size
                break
            if not self._passing:
                long = end - at > self._limit
                self._take(found, held[at : min(end, at + self._limit)], long)
            at, self._passing = end + 1, False
        del held[:at]
        self._searched = max(0, self._searched - at)
        return found

    def end(self) -> list[bytes]:
        """What is left when the connection ends: a last message without its end, or of fewer bytes than counted."""
        found: list[bytes] = []
        if self._held and not self._passing and not self._skip:
            self.incomplete += bool(self._need)
            self._take(found, self._held, False)
        self._held, self._searched, self._need = bytearray(), 0, 0
        return found

    def _take(self, found: list[bytes], message: bytearray, long: bool) -> None:
        if long:
            self.cut += 1
            message = whole_characters(message)
        if text := bytes(message.rstrip(_ENDS)):
            found.append(text)


def whole_characters(text: bytearray) -> bytearray:
    """UTF-8 that was cut somewhere, without the beginning of a character at its end.

    >>> whole_characters(bytearray("für".encode()[:2]))
    bytearray(b'f')
    """
    for back in range(1, min(4, len(text)) + 1):
        byte = text[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return text[:-back] if length > back else text
    return text


def _place(held: bytearray, mark: bytes, start: int) -> int:
    """Where the next mark is, from ``start``; the end of what is held where there is none."""
    place = held.find(mark, start)
    return place if place >= 0 else len(held)
