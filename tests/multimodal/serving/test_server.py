"""The server as a process: signals, slow clients, taken ports."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest


@pytest.fixture
def started(habit_run):
    """Start servers; return the process and its port."""
    processes = []

    def start(*more):
        command = [sys.executable, "-m", "multimodal.commands", "serve", "--run", str(habit_run), "--port", "0", *more]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        told, known = "", r"http://127\.0\.0\.1:(\d+)  \(API: /docs; Ctrl-C stops\)"
        while not (found := re.search(known, told)):  # on a busy machine progress comes before
            line = process.stderr.readline()
            assert line, told
            told += line
        return process, int(found[1])

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stderr.close()


def asked(port, body=None, path="/recommend"):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def closed(connection):
    connection.settimeout(30)
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(1_000):
            pass
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_whole_life(started):
    process, port = started("--limit", "headers_s=0.3", "--limit", "body_s=0.3")
    before = asked(port, {"user_id": "ann", "k": 3})
    # Headers that never end, a body that never comes, a client that leaves.
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"POST /recommend HTTP/1.1\r\nHost: x\r\n")
        assert closed(slow)
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(
            b"POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        )
        slow.settimeout(30)
        assert b" 408 " in slow.recv(1_000)
    with socket.create_connection(("127.0.0.1", port)) as leaving:
        leaving.sendall(b"POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
    # One that has asked, and does not wait for the answer.
    with socket.create_connection(("127.0.0.1", port)) as leaving:
        leaving.sendall(
            b"POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n"
            b'{"user_id": "ann"}'
        )
    process.send_signal(signal.SIGHUP)
    assert "model habit was loaded again" in iter_until(process, "loaded again")
    assert asked(port, {"user_id": "ann", "k": 3})["recommendations"] == before["recommendations"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_a_connection_too_many_is_told_so(started):
    _, port = started("--limit", "connections=1")
    with socket.create_connection(("127.0.0.1", port)):
        with pytest.raises(urllib.error.HTTPError, match="503") as refused:
            asked(port, path="/health")
        with refused.value as answer:
            assert (answer.headers["Retry-After"], answer.headers["Connection"]) == ("1", "close")
            told = json.load(answer)["error"]
        assert told == {"status": 503, "message": "1 connections are open, and no more may be; come again later."}
    until = time.monotonic() + 30
    while time.monotonic() < until:  # the first one is known to be gone a moment later
        with contextlib.suppress(urllib.error.HTTPError):
            assert asked(port, path="/health") == {"status": "ok"}
            return
    raise AssertionError("the service does not recover")


STOPPED_AT_ONCE = """
import os, signal, sys, uvicorn
from multimodal.commands.main import main

run = uvicorn.Server.run

def stop_and_run(self, sockets):
    os.kill(os.getpid(), signal.SIGTERM)
    run(self, sockets)

uvicorn.Server.run = stop_and_run
sys.exit(main(["serve", "--run", sys.argv[1], "--port", "0"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_signal_that_comes_while_it_starts_stops_it(habit_run):
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_AT_ONCE, habit_run], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def iter_until(process, words):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        line = process.stderr.readline()
        if words in line:
            return line
    raise AssertionError(f"nobody said {words!r}")


def test_a_taken_port(habit_run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "multimodal.commands", "serve", "--run", str(habit_run), "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert f"error: the service cannot listen on 127.0.0.1:{port}: " in done.stderr
    assert "give another --host or --port" in done.stderr
