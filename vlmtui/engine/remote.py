"""A model behind an OpenAI-compatible endpoint (vLLM, `transformers serve`, llama.cpp), in place of one loaded here.

Only the standard library: no torch is imported for it. Server-sent events are read as they come; a stop closes the
connection, which ends the generation on the server too.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from vlmtui.engine.failures import EngineFailure, Stopped
from vlmtui.engine.protocol import Event, Finished, Generate, Load, Loaded, Started, Tokens
from vlmtui.engine.remote_failures import (
    KEY_VARIABLE,
    LONGEST_BODY,
    WAITS_S,
    Later,
    json_of,
    key_of,
    message_of,
    not_an_endpoint,
    refused,
    unreachable,
)
from vlmtui.engine.remote_messages import messages_of
from vlmtui.models.processor import ProcessorSettings

_CONNECT_S = 10.0
_ANSWER_S = 600.0  # a server without a GPU may look at a picture for minutes before its first word
_LONGEST_WAIT_S = 30.0
_LOOK_S = 0.05
_FLUSH_S = 1 / 20
_CONTEXT = 8192  # where the server does not say


class Remote:
    """A model of an endpoint.

    Attributes:
        loaded: what the terminal's process is told about it.
    """

    def __init__(self, address: SplitResult, loaded: Loaded) -> None:
        self._address = address
        self.loaded = loaded

    def generate(
        self,
        request: Generate,
        *,
        send: Callable[[Event], None],
        stopped: Callable[[], bool],
        asked_at: float,
    ) -> None:
        """Answer `request`: sends `Started`, `Tokens`…, `Finished`.

        Raises:
            Stopped: before the first token.
            EngineFailure: what went wrong, and what to do about it.
        """
        body: dict[str, Any] = {
            "model": self.loaded.name,
            "messages": messages_of(request.turns),
            "max_tokens": request.sampling.max_new_tokens,
            "temperature": request.sampling.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.sampling.temperature > 0:
            body["top_p"] = request.sampling.top_p
        if request.sampling.seed is not None:
            body["seed"] = request.sampling.seed
        send(Started(id=request.id, prompt_tokens=0, image_tokens=0, tiles=0))
        answer = _Answer(request.id, send, asked_at)
        try:
            _trying(lambda: self._stream(body, answer, stopped), stopped, lambda: not answer.count)
        except Stopped:
            answer.reason = "stopped"
        finally:
            answer.flush()  # also of an answer that breaks off
        answer.finish()

    def _stream(self, body: dict[str, Any], answer: _Answer, stopped: Callable[[], bool]) -> None:
        try:
            self._stream_once(body, answer, stopped)
        except EngineFailure as failure:
            if failure.code != "bad_request" or "stream_options" not in body:
                raise
            del body["stream_options"]  # older servers do not know it
            self._stream_once(body, answer, stopped)

    def _stream_once(self, body: dict[str, Any], answer: _Answer, stopped: Callable[[], bool]) -> None:
        with _request(self._address, "POST", "chat/completions", body, stopped) as response:
            for event in _events(response):
                if stopped():
                    raise Stopped
                answer.take(event)
        if stopped():  # the connection was closed for that
            raise Stopped
        if not answer.reason:
            raise EngineFailure(
                "no_network",
                "the endpoint broke off in the middle of the answer",
                "ask again; if it stays so, look at the server's log",
            )


class _Answer:
    """The answer on its way to the terminal's process: joined, counted, timed."""

    def __init__(self, request: int, send: Callable[[Event], None], asked_at: float) -> None:
        self._request, self._send, self._asked_at = request, send, asked_at
        self._held, self._unsent, self._sent_at = "", 0, 0.0
        self._first = self._latest = 0.0
        self._usage: dict[str, Any] = {}
        self.count = 0
        self.reason = ""

    def take(self, event: dict[str, Any]) -> None:
        """Take one chunk of the stream."""
        if isinstance(event.get("error"), dict | str):
            raise EngineFailure("internal", f"the endpoint failed: {message_of(event)}", "look at the server's log")
        if isinstance(event.get("usage"), dict):
            self._usage = event["usage"]
        for choice in (event.get("choices") or ())[:1]:
            text = (choice.get("delta") or {}).get("content")
            if isinstance(text, str) and text:
                now = time.perf_counter()
                self._first = self._first or now
                self._latest = now
                self.count += 1
                self._unsent += 1
                self._held += text
                if now - self._sent_at >= _FLUSH_S:
                    self._sent_at = now
                    self.flush()
            if choice.get("finish_reason"):
                self.reason = "length" if choice["finish_reason"] == "length" else "end"

    def flush(self) -> None:
        """Send what is held back."""
        if self._held:
            self._send(Tokens(id=self._request, text=self._held, count=self._unsent))
            self._held, self._unsent = "", 0

    def finish(self) -> None:
        """Send the figures; a server that counts knows better than the number of chunks."""
        count = int(self._usage.get("completion_tokens") or self.count)
        seconds = self._latest - self._first
        self._send(
            Finished(
                id=self._request,
                reason=self.reason or "end",  # type: ignore[arg-type]
                prompt_tokens=int(self._usage.get("prompt_tokens") or 0),
                completion_tokens=count,
                ttft_s=self._first - self._asked_at if self.count else 0.0,
                tokens_per_s=(count - 1) / seconds if count > 1 and seconds > 0 else 0.0,
            )
        )


def connect(request: Load, stopped: Callable[[], bool], asked_at: float) -> Remote:
    """Return the model of the endpoint that `request` names, or its only one.

    Raises:
        EngineFailure: nobody answers there, or not as such an endpoint does, or it has no such model.
    """
    address = _address(request.endpoint)
    listed: list[dict[str, Any]] = []

    def look() -> None:
        with _request(address, "GET", "models", None, stopped) as response:
            page = json_of(response.read(LONGEST_BODY))
        data = page.get("data")
        if not isinstance(data, list):
            raise not_an_endpoint(request.endpoint)
        listed[:] = [entry for entry in data if isinstance(entry, dict) and isinstance(entry.get("id"), str)]

    try:
        _trying(look, stopped, lambda: not request.model)
    except EngineFailure as failure:
        # `transformers serve` fails to list where the hub's cache is empty, and others do not list at all.
        if not request.model or failure.code not in ("bad_endpoint", "no_such_model", "busy"):
            raise
    names = [entry["id"] for entry in listed]
    wanted = request.model
    if not wanted and len(names) != 1:
        raise EngineFailure(
            "no_such_model",
            f"the endpoint has {len(names)} models" + (f": {', '.join(names[:8])}" if names else ""),
            "choose one with --model",
        )
    if wanted and names and wanted not in names and not _loads_on_demand(listed):
        raise EngineFailure(
            "no_such_model",
            f"the endpoint has no model {wanted}",
            f"choose one that it has: {', '.join(names[:8])}",
        )
    name = wanted or names[0]
    entry: dict[str, Any] = next((entry for entry in listed if entry["id"] == name), {})
    loaded = Loaded(
        id=request.id,
        name=name,
        family="",
        kind="instruct",
        device=address.netloc.rpartition("@")[2],
        dtype="",
        parameters=0,
        context=int(entry.get("max_model_len") or _CONTEXT),
        processor=ProcessorSettings(tile_px=512, longest_edge=2048, tokens_per_tile=64),
        seconds=time.perf_counter() - asked_at,
        endpoint=request.endpoint,
    )
    return Remote(address, loaded)


def _loads_on_demand(listed: list[dict[str, Any]]) -> bool:
    """Return whether the server loads any model it is asked for: `transformers serve` lists the hub's cache."""
    return not any("max_model_len" in entry or "meta" in entry for entry in listed)


def _address(endpoint: str) -> SplitResult:
    """Return the endpoint's address, its path ending where `/models` and `/chat/completions` begin."""
    text = endpoint if "://" in endpoint else f"http://{endpoint}"
    try:
        address = urlsplit(text)
        port = address.port
    except ValueError:
        address, port = urlsplit(""), None
    if address.scheme not in ("http", "https") or not address.hostname or address.password or port == 0:
        raise EngineFailure(
            "bad_endpoint",
            f"{endpoint!r} is no address of an endpoint",
            f"write it as in http://localhost:8000/v1, without a key: that belongs in {KEY_VARIABLE}",
        )
    path = address.path.rstrip("/").removesuffix("/chat/completions")
    return address._replace(path=path or "/v1", query="", fragment="")


def _trying(run: Callable[[], None], stopped: Callable[[], bool], may_again: Callable[[], bool]) -> None:
    """Run a request; again after a while, where it went wrong for now and `may_again`."""
    for number, wait in enumerate((*WAITS_S, 0.0)):
        try:
            run()
            return
        except Later as later:
            if stopped():
                raise Stopped from None
            if number >= later.most or not may_again():
                raise later.failure from None
            end = time.monotonic() + min(_LONGEST_WAIT_S, later.wait if later.wait is not None else wait)
            while time.monotonic() < end:
                if stopped():
                    raise Stopped from None
                time.sleep(_LOOK_S)


@contextlib.contextmanager
def _request(
    address: SplitResult, method: str, path: str, body: Any, stopped: Callable[[], bool]
) -> Iterator[http.client.HTTPResponse]:
    """Send a request and yield its response, once it is one that can be read; a stop closes the connection."""
    host, port = address.hostname or "", address.port
    connection: http.client.HTTPConnection
    if address.scheme == "https":
        connection = http.client.HTTPSConnection(host, port, timeout=_CONNECT_S, context=ssl.create_default_context())
    else:
        connection = http.client.HTTPConnection(host, port, timeout=_CONNECT_S)
    headers = {"Accept": "text/event-stream, application/json", "User-Agent": "vlmtui"}
    if key := key_of(address):
        headers["Authorization"] = f"Bearer {key}"
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    over = threading.Event()
    try:
        connection.connect()
        assert connection.sock is not None
        connection.sock.settimeout(_ANSWER_S)
        threading.Thread(target=_close_when, args=(connection.sock, stopped, over), daemon=True).start()
        connection.request(method, f"{address.path}/{path}", body=data, headers=headers)
        response = connection.getresponse()
        if response.status != 200:
            raise refused(response, address)
        yield response
    except (OSError, http.client.HTTPException, ValueError) as error:
        if stopped():
            raise Stopped from None
        nobody = isinstance(error, ConnectionRefusedError | socket.gaierror)  # a second look is enough
        raise Later(unreachable(address, error), most=1 if nobody else len(WAITS_S)) from error
    finally:
        over.set()
        connection.close()


def _close_when(sock: socket.socket, stopped: Callable[[], bool], over: threading.Event) -> None:
    """Close the connection when the request is told to stop, which wakes whoever waits for the server."""
    while not over.wait(_LOOK_S):
        if stopped():
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            return


def _events(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """Yield the chunks of a stream of server-sent events, up to `[DONE]` or its end."""
    while line := response.readline(LONGEST_BODY):
        if not line.startswith(b"data:"):
            continue  # comments that keep the connection open, names of events, empty lines
        data = line[5:].strip()
        if data == b"[DONE]":
            return
        yield json_of(data)
