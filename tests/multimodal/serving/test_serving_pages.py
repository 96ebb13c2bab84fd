"""Every command and example of `docs/serving.md` and `docs/clients.md` runs against a real server.

Of what the pages say, three things are exchanged: the address of the service, the port it listens on (any that is free)
and the address of the database. `pip` and `docker` are not run: extras and the compose file are checked instead.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from multimodal.commands.main import command_parser
from multimodal.serving.settings import Limits

sys.path.insert(0, str(Path(__file__).parents[1] / "memory"))
from postgresql_server import PostgresqlServer, why_not

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]
ADDRESS, DATABASE = "http://127.0.0.1:8000", "postgresql://hashtags:secret@localhost/hashtags"
PROGRAM = "multimodal-hashtags"
KEY = "a-long-secret"


def blocks(page, language):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for block in found]


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MULTIMODAL_API_KEY": KEY}


@pytest.fixture
def folder(habit_run, picture, tmp_path):
    """Where the commands of the pages are run: two run folders and a picture."""
    for name in ("sample", "habit"):
        shutil.copytree(habit_run, tmp_path / "runs" / name)
    (tmp_path / "photo.jpg").write_bytes(picture)
    return tmp_path


@pytest.fixture
def serve(folder):
    """Run a command that serves, on a free port; return its process and its address."""
    processes = []

    def start(line):
        words = shlex.split(line)
        own = dict(words.pop(0).split("=", 1) for _ in range(len(words)) if re.match(r"[A-Z_]+=", words[0]))
        assert words.pop(0) == PROGRAM
        if "--port" in words:
            del words[words.index("--port") : words.index("--port") + 2]
        known = {name: value for name, value in environment().items() if name != "MULTIMODAL_API_KEY"} | own
        command = [sys.executable, "-m", "multimodal.commands", *words, "--port", "0"]
        process = subprocess.Popen(command, cwd=folder, env=known, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        told = ""
        while not (found := re.search(r"(http://127\.0\.0\.1:\d+)  \(API: /docs", told)):
            line = process.stderr.readline()  # on a busy machine progress comes before
            assert line, told
            told += line
        return process, found[1]

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stderr.close()


def run(command, folder):
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def end(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0


def documents(text):
    """Return the JSON documents of a text, without the ids of answers."""
    found, decoder = [], json.JSONDecoder()
    while text := text.strip():
        document, length = decoder.raw_decode(text)
        found.append(without_answer_ids(document))
        text = text[length:]
    return found


def without_answer_ids(value):
    if isinstance(value, dict):
        return {name: without_answer_ids(one) for name, one in value.items() if name != "answer_id"}
    return [without_answer_ids(one) for one in value] if isinstance(value, list) else value


class TestServing:
    @pytest.fixture
    def database(self):
        if reason := why_not():
            pytest.skip(reason)
        server = PostgresqlServer()
        yield server.schema("served")
        server.remove()

    def test_its_commands_run_one_after_the_other(self, folder, serve, database):
        running, address, ran, before = [], "", [], ""
        for line in "".join(blocks("serving.md", "bash")).splitlines():
            words = [word for word in shlex.split(line) if not re.match(r"[A-Z_]+=", word)]
            if words[0] == PROGRAM:
                # Two replicas run beside each other; any other server takes the place of the one before.
                if not (DATABASE in line and DATABASE in before):
                    running = [end(process) for process in running] and []
                before = line
                process, address = serve(line.replace(DATABASE, database))
                running.append(process)
            elif words[0] in ("curl", "export"):
                told = run(
                    ["bash", "-c", line.replace(ADDRESS, address).replace("curl", "curl -sS --fail-with-body")], folder
                )
                assert words[0] == "export" or '"error"' not in told
            elif words[0] == "pip":
                extras = re.findall(r"\[(\w+)\]", line)
                project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
                assert set(extras) <= set(project["optional-dependencies"])
            else:
                assert words[:3] == ["docker", "compose", "up"], line
            ran.append(words[0])
        for process in running:
            end(process)
        assert [ran.count(name) for name in (PROGRAM, "curl", "docker")] == [5, 4, 1]

    def test_two_replicas_know_the_same(self, folder, serve, database):
        lines = [line for block in blocks("serving.md", "bash") for line in block.splitlines() if DATABASE in line]
        (_, first), (_, second) = (serve(line.replace(DATABASE, database)) for line in lines)
        post = '{"user_id": "ann", "hashtags": ["brandnew"]}'
        run(["curl", "-sS", "--fail-with-body", f"{first}/observe", "--json", post], folder)
        exported = ""
        while "brandnew" not in exported:  # within a tenth of a second
            exported = run(["curl", "-sS", "--fail-with-body", f"{second}/users/ann"], folder)

    def test_the_compose_file_starts_what_the_page_says(self):
        compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
        service = compose["services"]["service"]
        options = command_parser("serve").parse_args(service["command"])
        assert options.memory[0].startswith("postgresql://")
        assert options.run == [service["volumes"][0].split(":")[-2]]
        assert "./runs/sample" in service["volumes"][0]
        assert service["environment"]["MULTIMODAL_API_KEY"].startswith("${MULTIMODAL_API_KEY:?")
        assert compose["services"]["database"]["image"].startswith("postgres:")
        assert [port.split(":")[0] for port in service["ports"]] == ["127.0.0.1"]

    def test_its_table_of_limits_is_that_of_the_settings(self):
        text = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.MULTILINE)
        assert {name: int(value) for name, value in rows} == {
            name: getattr(Limits(), name) for name in Limits.__slots__
        }

    def test_its_table_of_routes_is_that_of_the_service(self, client):
        text = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
        table = text.partition("## Routes")[2].partition("## Limits")[0]
        named = {re.sub(r"\{\w+\}", "{}", path) for path in re.findall(r"(/[\w/{}]*)", table)}
        served = {re.sub(r"\{\w+\}", "{}", path) for path in client().get("/openapi.json").json()["paths"]}
        assert served <= named


class TestClients:
    @pytest.fixture
    def answers(self, folder, serve):
        """Run what a page has in one language against a server that knows nothing yet; return the JSON it prints."""

        def ask(language, name, *command):
            _, address = serve(f"{PROGRAM} serve --run runs/sample")
            text = "\n".join(blocks("clients.md", language))
            assert ADDRESS in text
            (folder / name).write_text(text.replace(ADDRESS, address))
            return documents(run([*command, name], folder))

        return ask

    def test_curl_and_python_get_the_same_answers(self, answers):
        told = answers("bash", "client.sh", "bash", "-e")
        assert len(told) == 10
        assert len(told[0]["recommendations"]) == 3
        assert [len(answer["recommendations"]) for answer in told[1]["answers"]] == [2, 2]
        assert {one["hashtag"] for one in told[4]["recommendations"]} <= {"sea", "dusk", "lowtide"}
        assert told[6]["recommendations"][0]["hashtag"] == "myshop"
        assert told[7] == told[5] == {"always": ["myshop"], "never": ["ad*"]}
        assert told[8] == {"posts": 1}
        assert "k: give a whole number of at least 1, or auto" in told[9]["error"]["message"]
        assert answers("python", "client.py", sys.executable) == told

    @pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
    def test_javascript_gets_the_same_answers(self, answers):
        assert answers("js", "client.mjs", "node") == answers("python", "client.py", sys.executable)
