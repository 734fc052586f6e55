"""The server process: sockets, signals, and patience with slow clients."""

import asyncio
import errno
import signal
import socket
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0  # until a request's head is there
IDLE_SECONDS = 30  # between two requests of one connection
STALL_SECONDS = 60.0  # in which whoever is answered has to take something of it


class PunctualProtocol(H11Protocol):
    """HTTP/1.1 that closes connections of clients too slow to send or to receive.

    (Bodies are timed by the `Guard`, and here only where the answer did not
    wait for them; uvicorn times what is between requests.) A request that gives
    its body's length in two ways is the last of its connection, since a proxy
    may have read the other one: RFC 9112, section 6.1.
    """

    _clock: asyncio.TimerHandle | None = None
    _stall_clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        # Whatever is not taken at once is to be known of, however little it is: `pause_writing` is called for it.
        transport.set_write_buffer_limits(high=0)
        self._wind()

    def data_received(self, data: bytes) -> None:
        """Go on waiting, or stop it, as the data has it."""
        super().data_received(data)
        if not self._is_owed_something():
            self._stop_clock()
        elif self._clock is None:
            self._wind()

    def handle_events(self) -> None:
        """Begin to answer what has come."""
        super().handle_events()
        if self.cycle is not None and {b"content-length", b"transfer-encoding"} <= {name for name, _ in self.headers}:
            self.cycle.keep_alive = False
            if CLOSE_HEADER not in self.headers:
                self.headers.append(CLOSE_HEADER)  # which uvicorn gives back with the answer

    def on_response_complete(self) -> None:
        """Drop the rest of this request's body: the next request may have begun already."""
        super().on_response_complete()
        has_begun = self.conn.their_state is not h11.IDLE or self.conn.trailing_data[0]
        if self._is_owed_something() and has_begun and self._clock is None:
            self._wind()

    def pause_writing(self) -> None:
        """Begin to wait for the other side to take what is sent."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """It has taken all."""
        self._stop_watching()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """There is nothing to wait for any more."""
        self._stop_clock()
        self._stop_watching()
        super().connection_lost(exc)

    def _is_owed_something(self) -> bool:
        """Whether the rest of a head, or of a body after its answer, is to come."""
        return self.conn.their_state is h11.IDLE or (
            self.conn.their_state is h11.SEND_BODY and self.conn.our_state is h11.DONE
        )

    def _watch(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._stall_clock = self.loop.call_later(STALL_SECONDS, self._look_again, left)

    def _look_again(self, left: int) -> None:
        if self.transport.get_write_buffer_size() < left:
            self._watch()
        else:
            self._stall_clock = None
            self.transport.abort()  # to close it would be to wait until all is taken

    def _stop_watching(self) -> None:
        if self._stall_clock is not None:
            self._stall_clock.cancel()
            self._stall_clock = None

    def _wind(self) -> None:
        self._clock = self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _hang_up(self) -> None:
        self._clock = None
        if not self.transport.is_closing():
            self.transport.close()


def listen(host: str, port: int) -> socket.socket:
    """Bind a socket, which fails for a port in use before a model is loaded.

    Raises OSError, and ValueError for a host that is not this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise ValueError(
                f"--host {host} is no address of this machine. "
                "Use 127.0.0.1 for this machine only, or 0.0.0.0 for all that reach it."
            ) from None
        reason = error.strerror or error
        raise OSError(f"{host}:{port} cannot be listened at: {reason}. Use another --port, or 0 for any.") from None
    return bound


def known_names(host: str) -> list[str] | None:
    """List the host names of a server at this address; None where others may reach it."""
    loopback = ["localhost", "127.0.0.1", "::1"]
    return sorted({*loopback, host}) if host in loopback or host.startswith("127.") else None


def run(app: FastAPI, bound: socket.socket, drain_seconds: int = 30, ready: Callable[[], object] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C, and then end what has begun, for drain_seconds at most."""
    allow_many_connections()
    config = uvicorn.Config(
        app,
        http=PunctualProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=drain_seconds,
        backlog=2048,
    )
    server = Server(config, ready)
    # When it has ended, uvicorn raises the signal anew, for those who waited for it before: nobody does.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.run(sockets=[bound])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object] | None):
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        await super().startup(sockets)
        if self.started and self._ready is not None:
            self._ready()


def allow_many_connections() -> None:
    """Raise this process's limit of open connections, which often begins at 1024."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard and (hard == resource.RLIM_INFINITY or soft < hard):
        wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
