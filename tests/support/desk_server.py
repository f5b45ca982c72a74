"""A real desk on a real port for tests: uvicorn in a thread or in a process of its own, over a real database."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from desunt.review.app import create_app
from desunt.review.environment import Environment


def free_port() -> int:
    """Return a port of this machine on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(environment: Environment) -> Iterator[str]:
    """Run the desk in a thread; give its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(create_app(environment), host="127.0.0.1", port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield wait_for(f"http://localhost:{port}")
    finally:
        server.should_exit = True
        thread.join()


def started(outputs: Path, database: str | None, port: int) -> subprocess.Popen[bytes]:
    """Start `desunt review` as a process of its own, which can be killed."""
    command = [sys.executable, "-m", "desunt", "review", str(outputs), "--port", str(port)]
    process = subprocess.Popen([*command, "--database", database] if database else command, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://localhost:{port}")
    except httpx.TransportError:
        process.kill()
        raise
    return process


def wait_for(address: str, seconds: float = 300) -> str:
    """Return the address once somebody answers there."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            httpx.get(f"{address}/sign-in", timeout=5)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return address


def client(address: str, name: str) -> httpx.Client:
    """Return a client who has given a name, and says of its changes where they come from."""
    session = httpx.Client(base_url=address, headers={"origin": address}, timeout=60)
    session.post("/api/sign-in", json={"name": name}).raise_for_status()
    return session
