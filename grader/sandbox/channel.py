"""Messages over a socket: framed, typed, limited in size, and numbered.

Whoever listens takes what comes in as data of a stranger: it is one of the messages that it
expects, or it is refused.
"""

import contextlib
import functools
import select
import socket
import struct
import time
from collections.abc import Callable

import msgspec

MOST_BYTES = 96 << 20  #: the largest message
_SLICE = 0.25  # seconds between two looks at the clock while waiting
_HEAD = struct.Struct("<QQ")  # bytes of the message, number of the question


class BadMessage(Exception):
    """Raised when a message is not the plain data that it should be."""


class Gone(Exception):
    """Raised when the other side has ended."""


class TooSlow(Exception):
    """Raised when the other side did not answer in time."""


@functools.cache
def decoder(expects) -> msgspec.msgpack.Decoder:
    """Return what reads messages of a type, or union of types; made once."""
    return msgspec.msgpack.Decoder(expects)


class Channel:
    """Messages over a socket; each side holds one end. Each question has a number, which its answer
    bears too, so that an answer that comes too late is nobody's.

    Args:
        end: a connected stream socket.
        expects: the type, or union of types, of what comes in.
        most: the largest message taken, in bytes.
    """

    def __init__(self, end: socket.socket, expects, most: int = MOST_BYTES):
        self.socket, self.most = end, most
        self.encode = msgspec.msgpack.Encoder().encode
        self.decode = decoder(expects).decode
        self.asked = self.number = 0  # the last question asked here, and the last message's number
        self.head = self.data = (
            None  # of the message that is coming in: what came so far, so that it can be gone on
        )

    def send(self, message, seconds: float = 60.0) -> None:
        """Send a message that answers the last one that came in.

        Raises:
            Gone: if the other side has ended.
            TooSlow: if it does not take the message.
            BadMessage: if the message is too large.
        """
        data = self.encode(message)
        if len(data) > self.most:
            raise BadMessage("the message is too large")
        try:
            self.socket.settimeout(seconds)
            self.socket.sendall(_HEAD.pack(len(data), self.number) + data)
        except TimeoutError as error:
            raise TooSlow from error
        except OSError as error:
            raise Gone from error

    def receive(self, seconds: float | None = None, look_up: Callable = lambda: None):
        """Return the next message.

        Args:
            seconds: to wait for it; None for as long as it takes.
            look_up: called now and then while waiting; what it raises ends the wait, and nothing
                that came is lost.

        Raises:
            Gone: if the other side has ended.
            TooSlow: if it does not answer within so many seconds.
            BadMessage: if what comes is not one of the messages expected.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        if self.head is None:
            self.head = _Part(_HEAD.size)
        length, self.number = _HEAD.unpack(self._filled(self.head, deadline, look_up))
        if length > self.most:
            raise BadMessage("the message is too large")
        if self.data is None:
            self.data = _Part(length)
        data = self._filled(self.data, deadline, look_up)
        self.head = self.data = None
        try:
            return self.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise BadMessage("a message of another form") from error

    def ask(self, message, seconds: float | None = None, look_up: Callable = lambda: None):
        """Send a question and return its answer; raises as ``send`` and ``receive`` do."""
        deadline = None if seconds is None else time.monotonic() + seconds
        self.asked += 1
        self.number = self.asked
        self.send(message)
        while True:
            answer = self.receive(
                None if deadline is None else deadline - time.monotonic(), look_up
            )
            if self.number == self.asked:
                return answer

    def waits(self, seconds: float) -> bool:
        """Tell whether something comes in within so many seconds."""
        return bool(select.select([self.socket], [], [], seconds)[0])

    def close(self) -> None:
        """End the conversation."""
        with contextlib.suppress(OSError):
            self.socket.close()

    def _filled(self, part: "_Part", deadline: float | None, look_up: Callable) -> bytearray:
        """Return a part of a message when it is whole; memory grows with what arrives, not with
        what was announced."""
        while len(part.data) < part.length:
            look_up()
            wait = _SLICE if deadline is None else min(_SLICE, deadline - time.monotonic())
            if wait <= 0:
                raise TooSlow
            try:
                if not select.select([self.socket], [], [], wait)[0]:
                    continue
                self.socket.settimeout(None)
                came = self.socket.recv(min(part.length - len(part.data), 1 << 20))
            except (OSError, ValueError) as error:
                raise Gone from error
            if not came:
                raise Gone
            part.data += came
        return part.data


class _Part:
    """A part of a message: how long it will be, and what came of it."""

    def __init__(self, length: int):
        self.length, self.data = length, bytearray()
