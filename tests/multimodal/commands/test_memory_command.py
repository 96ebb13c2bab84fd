"""The command `memory`, and what `recommend --memory` keeps."""

from __future__ import annotations

import json

import pytest

from multimodal import Recommender
from multimodal.memory.log.errors import StoreError
from multimodal.memory.log.opening import open_store


@pytest.fixture
def memory(tmp_path):
    return tmp_path / "memory.sqlite"


@pytest.fixture
def kept(trained, memory):
    """A memory in which ann has two posts, one of them with a caption."""
    recommender = Recommender.from_pretrained(trained, memory=memory, keep_captions=True)
    recommender.observe({"post_id": "a1", "user_id": "ann", "caption": "low tide", "hashtags": ["fog"]})
    recommender.observe({"post_id": "a2", "user_id": "ann", "hashtags": ["secretive"]})
    recommender.close()
    return memory


def test_recommend_keeps_what_it_observes(command, trained, prepared, memory):
    asked = ("recommend", "--run", trained, "--user-id", "user3", "--k", "3", "--json")
    observed = command(*asked, "--memory", memory, "--observe", prepared)
    assert observed.returncode == 0, observed.stderr
    assert command(*asked, "--memory", memory).stdout == observed.stdout != command(*asked).stdout
    assert command(*asked, "--memory", memory, "--observe", prepared).stdout == observed.stdout


def test_info(command, trained, kept):
    done = command("memory", "info", "--memory", kept, "--json")
    told = json.loads(done.stdout)
    assert told["log"] == str(kept)
    assert told["model"].startswith("user_habit-")
    assert (told["last event"], told["users to erase"], told["snapshot"]) == (2, 0, {})
    command("memory", "compact", "--run", trained, "--memory", kept)
    done = command("memory", "info", "--memory", kept, "--run", trained)
    assert "  last event: 2\n" in done.stdout
    assert "\nposts: 98\n" in done.stdout
    assert "\nsnapshot:\n" in done.stdout


def test_export(command, trained, kept):
    done = command("memory", "export", "--run", trained, "--memory", kept, "--user-id", "ann", "--json")
    assert [event["caption"] for event in json.loads(done.stdout)["events"]] == ["low tide", None]
    plain = command("memory", "export", "--run", trained, "--memory", kept, "--user-id", "ann")
    assert json.loads(plain.stdout) == json.loads(done.stdout)


def test_forget_and_compact(command, trained, kept):
    done = command("memory", "forget", "--run", trained, "--memory", kept, "--user-id", "ann")
    assert "posts forgotten: 2" in done.stdout
    assert "with the next `multimodal-hashtags memory compact`" in done.stdout
    assert b"secretive" in kept.read_bytes()
    assert json.loads(command("memory", "info", "--memory", kept, "--json").stdout)["users to erase"] == 1
    done = command("memory", "compact", "--run", trained, "--memory", kept, "--json")
    assert json.loads(done.stdout) == {"users erased": 1, "entries erased": 2, "posts left": 96, "last event": 3}
    files = [path.read_bytes() for path in kept.parent.rglob("*") if path.is_file()]
    assert not any(b"secretive" in content or b"ann" in content for content in files)


def test_rebuild(command, trained, kept):
    command("memory", "compact", "--run", trained, "--memory", kept)
    snapshot = kept.with_name("memory.sqlite.files") / "snapshot" / "memory.json"
    snapshot.write_text("{")
    done = command("memory", "rebuild", "--run", trained, "--memory", kept, "--json")
    assert json.loads(done.stdout)["posts left"] == 98
    assert "is damaged" not in done.stderr
    assert json.loads(snapshot.read_text())["post_ids"][-2:] == ["a1", "a2"]


def test_rebuild_checks_the_file_of_the_log_first(command, trained, memory):
    recommender = Recommender.from_pretrained(trained, memory=memory)
    recommender.observe([{"post_id": f"a{number}", "user_id": "ann", "hashtags": ["sea" * 99]} for number in range(99)])
    recommender.compact()
    recommender.close()
    whole = memory.read_bytes()
    inner = next(start for start in range(4096, len(whole), 4096) if whole[start] == 5)
    memory.write_bytes(whole[: inner + 12] + bytes(40) + whole[inner + 52 :])
    done = command("memory", "rebuild", "--run", trained, "--memory", memory)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is damaged: SQLite finds '" in done.stderr
    assert memory.with_name("memory.sqlite.files").joinpath("snapshot", "memory.json").exists()


def test_rebuild_leaves_what_there_is_of_a_lost_log(command, trained, kept):
    command("memory", "compact", "--run", trained, "--memory", kept)
    kept.rename(kept.with_name("backup"))
    for action in ("info", "rebuild"):
        done = command("memory", action, "--run", trained, "--memory", kept)
        assert (done.returncode, "there is no log at" in done.stderr) == (2, True)
    with pytest.raises(StoreError, match="the log was lost"):
        Recommender.from_pretrained(trained, memory=kept)
    done = command("memory", "rebuild", "--run", trained, "--memory", kept)
    assert "is empty, but" in done.stderr
    assert "was made when it had 2 entries: the log was lost. Restore it from a backup." in done.stderr
    kept.with_name("backup").rename(kept)
    assert "last event: 2\n" in command("memory", "rebuild", "--run", trained, "--memory", kept).stdout


def test_rebuild_for_another_model(command, trained, kept, prepared, tmp_path):
    other = tmp_path / "other"
    command("train", "--config", "user_habit", "--data", prepared, "--output", other, "recency.history_posts=7")
    refused = command("recommend", "--run", other, "--memory", kept, "--user-id", "ann")
    assert refused.returncode == 2
    assert f"is made from it by: multimodal-hashtags memory rebuild --run {other} --memory … --to …" in refused.stderr
    new = tmp_path / "new.sqlite"
    done = command("memory", "rebuild", "--run", other, "--memory", kept, "--to", new, "--json")
    told = json.loads(done.stdout)
    assert (told["events"], told["posts"], told["posts without a caption"]) == (2, 2, 1)
    answer = command("recommend", "--run", other, "--memory", new, "--user-id", "ann", "--k", "2")
    assert "#secretive" in answer.stdout


def test_move(command, trained, kept, tmp_path):
    new = tmp_path / "new.sqlite"
    done = command("memory", "move", "--memory", kept, "--to", new, "--json")
    assert json.loads(done.stdout) == {"from": str(kept), "to": str(new), "copied": 2, "compared": {"observed": 2}}
    assert [event.post_id for _, event in open_store(new, None).read()] == ["a1", "a2"]
    assert "copied: 0\ncompared:\n  observed: 2" in command("memory", "move", "--memory", kept, "--to", new).stdout


def test_mistakes(command, trained, kept, tmp_path):
    mistakes = {
        ("export", "--memory", kept): "memory export needs --run, the model whose memory it is",
        ("forget", "--memory", kept, "--run", trained): "memory forget needs --user-id",
        ("move", "--memory", kept): "memory move needs --to, where the log is copied to",
        ("info", "--memory", tmp_path / "no.sqlite"): "there is no log at",
        ("info", "--memory", "postgersql://ann:secret@x/y"): "a log cannot be kept in 'postgersql'",
        ("burn", "--memory", kept): "invalid choice: 'burn'",
        ("info",): "the following arguments are required: --memory",
    }
    for arguments, message in mistakes.items():
        done = command("memory", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
        assert "secret" not in done.stderr
    assert not (tmp_path / "no.sqlite").exists()


def test_rebuild_builds_the_index_where_somebody_is_named(command, trained, kept):
    done = command("memory", "rebuild", "--run", trained, "--memory", kept, "--processes", "2", "--json")
    assert (done.returncode, json.loads(done.stdout)["spans built"]) == (0, 0), done.stderr  # it searches nothing
    done = command("memory", "compact", "--run", trained, "--memory", kept, "--processes", "2")
    assert done.returncode == 2
    assert "--processes and --executor belong to memory rebuild without --to; leave them out." in done.stderr
