"""Ray, joined or started: without dashboard and usage statistics, with a token where the cluster is ours."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ownmark.errors import OwnmarkError

_OURS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token"}
_STORE_BYTES = 100 * 2**20
"""Ray's own object store: strings fit."""
_ATTEMPTS = 3
"""To start a cluster of our own."""
_SECONDS = 20
"""For an address to answer."""
_JOINING = {"RAY_gcs_rpc_server_connect_timeout_s": str(_SECONDS), "RAY_NUM_REDIS_GET_RETRIES": "2"}
"""Without them Ray asks what does not answer for a quarter of an hour."""


def ray() -> Any:
    """The module.

    Raises:
        OwnmarkError: it is not installed.
    """
    try:
        import ray as found
    except ImportError as error:
        raise OwnmarkError(
            "--workers and --cluster need Ray; install it with: pip install 'ownmark[ray]'. Without it, start the "
            "same command several times: runs on one --store share the work"
        ) from error
    return found


@contextmanager
def connected(workers: int | None, address: str | None) -> Iterator[Any]:
    """Ray, connected for the block: to the cluster at `address`, or to one of `workers` processes on this machine.

    Raises:
        OwnmarkError: no such address, or Ray cannot be started; says why.
    """
    if address is None and "ray" not in sys.modules:
        for name, value in {**_OURS, "RAY_AUTH_TOKEN": secrets.token_hex(32)}.items():
            os.environ.setdefault(name, value)
    for name, value in {**_JOINING, "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}.items():
        os.environ.setdefault(name, value)
    module = ray()
    ours = not module.is_initialized()
    if ours:
        try:
            _start(module, workers, address)
        except Exception as error:  # Ray raises many kinds
            what = f"--cluster {address}" if address else f"--workers {workers}"
            raise OwnmarkError(f"{what}: {_why(error, address)}") from error
    try:
        yield module
    finally:
        if ours:
            with suppress(Exception):
                module.shutdown()


def _start(module: Any, workers: int | None, address: str | None) -> None:
    options = {"log_to_driver": False, "configure_logging": False}
    if address is not None:
        _require_listening(address)
        module.init(address=address, **options)
        return
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            module.init(
                address="local", num_cpus=workers, object_store_memory=_STORE_BYTES, include_dashboard=False,
                **options,
            )  # fmt: skip
            return
        except Exception as error:  # Ray gives itself 30 s, which a busy machine may not have
            if attempt == _ATTEMPTS or "timed out" not in str(error):
                raise
            module.shutdown()


def _require_listening(address: str) -> None:
    """Somebody listens there, who may or may not be Ray; `auto` is Ray's to find.

    Raises:
        OSError: nobody does. ValueError: it is no address.
    """
    if address == "auto":
        return
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 2**16):
        raise ValueError("expected auto, HOST:PORT or ray://HOST:PORT")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS).close()


def _why(error: Exception, address: str | None) -> str:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if "ersion mismatch" in str(error):
        return (
            f"other versions of Ray or Python there ({' '.join(str(error).split())[:300]}); install the same"
        )
    if address is not None:
        return f"no Ray cluster answers there ({first[:200]}); see `ray status`, and docs/scale.md on tokens"
    return f"Ray cannot be started here ({first[:300]})"
