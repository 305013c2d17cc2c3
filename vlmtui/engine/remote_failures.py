"""What an endpoint's refusals and silence mean, what to do about them, and which of them are for now only."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
from typing import Any
from urllib.parse import SplitResult

from vlmtui.engine.failures import EngineFailure

KEY_VARIABLE = "VLMTUI_API_KEY"
"""Environment variable with the endpoint's key; else the keyring is asked for `vlmtui` and the endpoint's host."""

WAITS_S = (0.5, 1.0, 2.0, 4.0)
"""Between tries of a request that nobody answers, or that is refused for now; a server's own wish goes before."""

LONGEST_BODY = 8 * 1024 * 1024
"""Bytes of an answer, or of a line of it, that are read at most."""

_FOR_NOW = frozenset({408, 425, 429, 500, 502, 503, 504})


class Later(Exception):
    """Not now; after `wait` seconds, where the server says so, it may go, `most` times; `failure` is said if not."""

    def __init__(self, failure: EngineFailure, wait: float | None = None, most: int = len(WAITS_S)) -> None:
        super().__init__(failure.cause)
        self.failure = failure
        self.wait = wait
        self.most = most


def key_of(address: SplitResult) -> str:
    """Return the endpoint's key: from the environment, else from the keyring where there is one; or nothing."""
    if key := os.environ.get(KEY_VARIABLE, "").strip():
        return key
    with contextlib.suppress(Exception):  # no keyring is installed, or it is locked
        import keyring

        return keyring.get_password("vlmtui", address.hostname or "") or ""
    return ""


def json_of(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise EngineFailure(
            "bad_endpoint", "the endpoint's answer is not that of an OpenAI-compatible one", "check its address"
        )
    return value


def message_of(page: dict[str, Any]) -> str:
    """Return what a server says about a failure; servers put it in different places."""
    error = page.get("error", page.get("detail", page.get("message", "")))
    if isinstance(error, dict):
        error = error.get("message", "")
    return str(error)[:300]


def refused(response: http.client.HTTPResponse, address: SplitResult) -> EngineFailure | Later:
    """Return what a status other than 200 means."""
    said = ""
    with contextlib.suppress(EngineFailure, OSError, http.client.HTTPException):
        said = message_of(json_of(response.read(LONGEST_BODY)))
    if key := key_of(address):
        said = said.replace(key, "***")  # a server that talks too much
    words = f" ({response.status}{f': {said}' if said else ''})"
    status = response.status
    if status in (401, 403):
        return EngineFailure(
            "gated",
            f"the endpoint refused the key{words}" if key_of(address) else f"the endpoint wants a key{words}",
            f"set {KEY_VARIABLE}, or keep it in the keyring: `keyring set vlmtui {address.hostname}`",
        )
    if status in (404, 405):
        return EngineFailure(
            "no_such_model" if "model" in said else "bad_endpoint",
            f"the endpoint does not have what was asked for{words}",
            "check the model's name and the address, which usually ends in /v1",
        )
    if status in _FOR_NOW:
        wait: float | None = None
        with contextlib.suppress(ValueError, TypeError):
            wait = max(0.0, float(response.headers.get("Retry-After") or ""))
        remedy = "try again in a while; the server's log says what is wrong"
        return Later(EngineFailure("busy", f"the endpoint cannot answer now{words}", remedy), wait)
    if status in (400, 413, 422):
        if any(word in said.lower() for word in ("context length", "too long", "maximum context", "max_model_len")):
            return EngineFailure("too_long", f"the prompt is too long for the endpoint{words}", "ask about less")
        return EngineFailure("bad_request", f"the endpoint refused the question{words}", "look at the server's log")
    return EngineFailure("bad_endpoint", f"the endpoint answered strangely{words}", "check its address")


def unreachable(address: SplitResult, error: Exception) -> EngineFailure:
    where = f"{address.scheme}://{address.netloc}"
    if isinstance(error, ssl.SSLError):
        return EngineFailure("no_network", f"no secure connection to {where}: {error}", "check https or http, and host")
    if isinstance(error, TimeoutError):
        return EngineFailure("no_network", f"{where} does not answer", "check that the server runs and is not busy")
    if isinstance(error, ConnectionRefusedError):
        return EngineFailure("no_network", f"nobody listens at {where}", "start the server, or check host and port")
    return EngineFailure("no_network", f"{where} cannot be reached: {error}", "check the address and the network")


def not_an_endpoint(endpoint: str) -> EngineFailure:
    return EngineFailure(
        "bad_endpoint", f"{endpoint} is no OpenAI-compatible endpoint", "check its address, which usually ends in /v1"
    )
