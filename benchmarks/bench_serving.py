"""Load the HTTP service on this machine, and compare it with `recommend_many`.

    python benchmarks/bench_serving.py --run runs/sample --data data/prepared
    python benchmarks/bench_serving.py --run runs/habit --data data/prepared --requests 100000 --memory-only

Five rows, each a line of JSON after the table: posts a second of `recommend_many` in this process and of the service,
asked in batches and one by one (32 at a time), their ratio, and the processor time a post (`cpu_ms`), which a busy
machine changes little; latency at 70 % of that capacity with requests that come at
random times; refusals at twice the capacity with a short queue, and latency afterwards; resident memory over
`--requests`. Questions are the posts of the test split with pictures, captions and users. The service runs in a process
of its own, and what loads it shares the processors with it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from data_loaders.prepared import PreparedData
from multimodal.recommender import Recommender

AT_ONCE, K, POINTS = 32, 5, 20


def questions(data: Path, most: int) -> list[dict[str, Any]]:
    """Return posts of the test split, pictures as bytes."""
    posts = PreparedData.open(data).split("test")[:most]
    return [
        {"image": None if post.image is None else Path(post.image).read_bytes(), "caption": post.caption,
         "user_id": post.user_id} for post in posts
    ]  # fmt: skip


def request(path: str, body: Any) -> bytes:
    """Return a POST of JSON."""
    content = json.dumps(body).encode()
    lines = (f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode() + content


def as_json(question: dict[str, Any]) -> dict[str, Any]:
    """Return a question with its picture in base64."""
    image = question["image"]
    return {**question, "image": None if image is None else base64.b64encode(image).decode()}


class Client:
    """Connections to the service that are used again."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, message: bytes) -> tuple[int, dict[str, str]]:
        """Return the status and the headers of an answer."""
        while self.idle and self.idle[-1][0].at_eof():  # the service closes what is idle for seconds
            self.idle.pop()
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(message)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        await reader.readexactly(int(headers["content-length"]))
        self.idle.append((reader, writer))
        return int(lines[0].split()[1]), headers


async def closed_loop(client: Client, messages: Sequence[bytes], at_once: int) -> tuple[float, Counter[int]]:
    """Send messages, so many at a time; return seconds and how often each status came."""
    waiting, statuses = list(messages), Counter[int]()

    async def work() -> None:
        while waiting:
            statuses[(await client.ask(waiting.pop()))[0]] += 1

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return time.perf_counter() - started, statuses


async def open_loop(
    client: Client, messages: Sequence[bytes], rate: float
) -> tuple[list[float], Counter[int], set[str]]:
    """Send messages at random times; return the seconds of those answered, the statuses and what Retry-After said."""
    draw, seconds, statuses, later = random.Random(0), list[float](), Counter[int](), set[str]()

    async def one(message: bytes) -> None:
        started = time.perf_counter()
        status, headers = await client.ask(message)
        statuses[status] += 1
        if status == 200:
            seconds.append(time.perf_counter() - started)
        else:
            later.add(headers.get("retry-after", "missing"))

    tasks, due = [], time.perf_counter()
    for message in messages:
        due += draw.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(message)))
    await asyncio.gather(*tasks)
    return seconds, statuses, later


class Service:
    """A service in a process of its own."""

    def __init__(self, run: str, *limits: str) -> None:
        more = [word for limit in limits for word in ("--limit", limit)]
        command = [sys.executable, "-m", "multimodal.commands", "serve", "--run", run, "--port", "0", *more]
        self.folder = tempfile.TemporaryDirectory()
        self.log = Path(self.folder.name) / "log"
        with self.log.open("w") as file:
            self.process = subprocess.Popen(command, stderr=file)
        self.port = self._started()

    def _started(self) -> int:
        while True:
            said = self.log.read_text()
            if found := re.search(r"http://127\.0\.0\.1:(\d+) ", said):
                return int(found[1])
            if self.process.poll() is not None:
                raise SystemExit(said)
            time.sleep(0.1)

    def resident_mib(self) -> float:
        """Return the memory of the process."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu_s(self) -> float:
        """Return the processor time that it has used, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def direct(run: str, asked: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Return posts a second of `recommend_many` in this process, and its milliseconds of processor time a post."""
    recommender = Recommender.from_pretrained(run)
    recommender.recommend_many(asked[:AT_ONCE], K)
    started, used = time.perf_counter(), time.process_time()
    for start in range(0, len(asked), AT_ONCE):
        recommender.recommend_many(asked[start : start + AT_ONCE], K)
    return len(asked) / (time.perf_counter() - started), 1_000 * (time.process_time() - used) / len(asked)


async def throughput(run: str, asked: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare posts a second."""
    plain, plain_ms = direct(run, asked)
    service = Service(run)
    client, single = Client(service.port), [request("/recommend", {**as_json(one), "k": K}) for one in asked]
    blocks = [asked[start : start + AT_ONCE] for start in range(0, len(asked), AT_ONCE)]
    batches = [request("/recommend/batch", {"posts": [*map(as_json, block)], "k": K}) for block in blocks]
    await closed_loop(client, single[:AT_ONCE], AT_ONCE)
    used = service.cpu_s()
    seconds, _ = await closed_loop(client, batches, 2)
    together, together_ms = len(asked) / seconds, 1_000 * (service.cpu_s() - used) / len(asked)
    service.close()
    # Another one, which does not know the posts: what comes again is not encoded again.
    service = Service(run)
    client = Client(service.port)
    await closed_loop(client, single[:AT_ONCE], AT_ONCE)
    used = service.cpu_s()
    seconds, statuses = await closed_loop(client, single, AT_ONCE)
    alone, alone_ms = len(asked) / seconds, 1_000 * (service.cpu_s() - used) / len(asked)
    latency, _, _ = await open_loop(client, single, 0.7 * alone)
    service.close()
    p50, p99 = np.percentile(latency, [50, 99]) * 1_000
    return [
        {"row": "recommend_many", "posts_s": plain, "cpu_ms": plain_ms},
        {"row": "batches over HTTP", "posts_s": together, "of recommend_many": together / plain,
         "cpu_ms": together_ms},
        {"row": "one by one over HTTP", "posts_s": alone, "of recommend_many": alone / plain, "cpu_ms": alone_ms,
         "statuses": statuses},
        {"row": "at 70 % of that", "p50_ms": p50, "p99_ms": p99, "p99 of p50": p99 / p50},
    ]  # fmt: skip


async def overload(run: str, asked: Sequence[dict[str, Any]], capacity: float) -> dict[str, Any]:
    """Ask for twice what the service can answer, then for less."""
    service = Service(run, f"waiting_posts={2 * AT_ONCE}")
    client, messages = Client(service.port), [request("/recommend", {**as_json(one), "k": K}) for one in asked]
    await closed_loop(client, messages[:AT_ONCE], AT_ONCE)
    _, statuses, later = await open_loop(client, [*messages, *messages], 2 * capacity)
    seconds, after, _ = await open_loop(client, messages[:200], 0.5 * capacity)
    service.close()
    return {"row": "at twice the capacity", "statuses": statuses, "Retry-After": sorted(later),
            "afterwards": after, "p50_ms": float(np.median(seconds)) * 1_000}  # fmt: skip


async def memory(run: str, asked: Sequence[dict[str, Any]], requests: int) -> dict[str, Any]:
    """Watch the resident memory of the service over many requests."""
    service = Service(run)
    client, messages = Client(service.port), [request("/recommend", {**as_json(one), "k": K}) for one in asked]
    await closed_loop(client, messages[:AT_ONCE], AT_ONCE)
    curve, statuses, used = [round(service.resident_mib(), 1)], Counter[int](), service.cpu_s()
    for _ in range(POINTS):
        share = [messages[number % len(messages)] for number in range(requests // POINTS)]
        statuses += (await closed_loop(client, share, AT_ONCE))[1]
        curve.append(round(service.resident_mib(), 1))
    cpu_ms = 1_000 * (service.cpu_s() - used) / requests
    service.close()
    return {"row": f"memory over {requests:,} requests", "MiB": curve, "cpu_ms": cpu_ms, "statuses": statuses}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="runs/sample")
    parser.add_argument("--data", type=Path, default=Path("data/prepared"))
    parser.add_argument("--posts", type=int, default=2_000, help="questions a row; repeated ones are not encoded again")
    parser.add_argument("--requests", type=int, default=5_000, help="over which memory is watched")
    parser.add_argument("--memory-only", action="store_true", help="watch the memory, and nothing else")
    options = parser.parse_args()
    some, rows = questions(options.data, options.posts), list[dict[str, Any]]()
    if not options.memory_only:
        asked = [some[number % len(some)] for number in range(options.posts)]
        rows = asyncio.run(throughput(options.run, asked))
        rows.append(asyncio.run(overload(options.run, asked, rows[2]["posts_s"])))
    rows.append(asyncio.run(memory(options.run, some, options.requests)))
    table = Table("", "", title="The HTTP service")
    for row in rows:
        values = {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}
        table.add_row(values.pop("row"), ", ".join(f"{name} {value}" for name, value in values.items()))
    Console().print(table)
    sys.stdout.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
