"""Ways of computing: exact by default, faster only where the same hashtags are named, chosen once per processor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from data_loaders.errors import RunError, UserError
from multimodal import Recommender, recommender
from multimodal.commands.main import main
from multimodal.encoders.onnx_models.folder import export_encoders
from multimodal.systems.compute import choosing, probing
from multimodal.systems.compute.choosing import chosen_way, kept_choice, probe_and_keep, way_of
from multimodal.systems.compute.processor import describe_processor, processor_key
from multimodal.systems.compute.questions import as_questions, drawn_posts
from multimodal.systems.compute.ways import kind_of_vectors, use_compute
from multimodal.systems.config_loading import load_config
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run

ROOT = Path(__file__).resolve().parents[4]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "design"
    train_run(load_config(ROOT / "configs" / "debug.yaml", ["training.epochs=1"]), tiny_data, folder)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "multimodal-hashtags"


class TestWays:
    def test_onnx_names_the_same_hashtags(self, run, tiny_data, tmp_path):
        exact, onnx = Recommender.from_pretrained(run), Recommender.from_pretrained(run, compute="onnx")
        assert all(encoder.backend is not None for encoder in onnx.system.encoders())
        posts = tiny_data.split("test")
        for one, other in zip(exact.recommend_many(posts, 5), onnx.recommend_many(posts, 5), strict=True):
            assert [each.hashtag for each in one] == [each.hashtag for each in other]
            assert [each.score for each in one] == pytest.approx([each.score for each in other], abs=1e-4)
        onnx.save_pretrained(tmp_path / "saved")
        again = Recommender.from_pretrained(tmp_path / "saved")
        assert again.recommend(caption="sea", k=3) == exact.recommend(caption="sea", k=3)

    def test_bf16_is_as_before(self, run):
        half = Recommender.from_pretrained(run, compute="bf16")
        assert {p.dtype for p in half.system.network.caption_encoder.parameters()} == {torch.bfloat16}

    def test_an_unknown_or_contradictory_way_is_refused(self, run):
        accepted = "accepted: fp32, bf16, onnx, onnx-int8, auto"
        with pytest.raises(UserError, match=f"compute: 'int4' is not known; {accepted}"):
            Recommender.from_pretrained(run, compute="int4")
        with pytest.raises(UserError, match="compute: onnx and precision=bf16 contradict each other"):
            Recommender.from_pretrained(run, precision="bf16", compute="onnx")

    def test_onnx_needs_the_cpu(self, run):
        with pytest.raises(UserError, match="compute: onnx runs on the CPU; give device=cpu"):
            use_compute(load_model(run).system, "onnx", torch.device("cuda"))

    def test_memories_are_shared_by_ways_that_name_the_same(self):
        assert kind_of_vectors("onnx", "onnx") == kind_of_vectors("onnx-int8", "auto") == kind_of_vectors("fp32", None)
        assert kind_of_vectors("bf16", None) == kind_of_vectors("bf16", "bf16") == "bf16"
        assert kind_of_vectors("onnx-int8", "onnx-int8") == "onnx-int8"


class TestQuestions:
    def test_they_are_of_the_model_and_the_same_every_time(self, run):
        model = load_model(run)
        posts, again = drawn_posts(model.memory, 30), drawn_posts(model.memory, 30)
        assert [post.caption for post in posts] == [post.caption for post in again]
        assert {word for post in posts for word in post.caption.split()} <= set(model.memory.id_map.names)
        users = {post.user_id for post in posts}
        assert users - {None} <= set(model.memory.user_ids)
        assert {post.image is None for post in posts} == {True, False}
        assert None in users
        questions = as_questions(model.system, model.memory, posts)
        assert len(model.system.rank(questions, model.memory, 5)) == 30


def quick(monkeypatch, ratios):
    """Let a probe ask few posts, and take the ratios given for the times of the ways."""
    monkeypatch.setattr(probing, "POSTS", 4)
    left = iter(ratios)
    monkeypatch.setattr(probing, "_ratios", lambda other, exact, asked: [next(left)])
    monkeypatch.setattr(probing, "use_compute", lambda system, way, device: None)


class TestProbe:
    def test_the_fastest_that_agrees_is_chosen(self, run, monkeypatch):
        quick(monkeypatch, [0.5, 0.2, 0.4])
        found = probing.probe(run)
        assert [one.way for one in found.tried] == ["bf16", "onnx", "onnx-int8"]
        assert found.posts == 4
        assert found.tried[1].agreement == 1.0
        assert found.chosen == "onnx"

    def test_what_is_not_faster_is_not_taken(self, run, monkeypatch):
        quick(monkeypatch, [1.0, 0.97, 3.0])
        found = probing.probe(run)
        assert found.chosen == "fp32"
        assert [(one.problem, one.agreement) for one in found.tried] == [("it is not faster", None)] * 3

    def test_what_names_other_hashtags_is_not_taken(self, run, monkeypatch, tiny_data):
        quick(monkeypatch, [0.1, 0.2, 0.3])
        posts, answers = tiny_data.split("test"), iter([["a"], ["a"], ["b"], ["a"]])

        def best(system, memory, asked, bar):
            *same, last = [frozenset("a")] * len(asked)
            yield from same
            yield frozenset(next(answers)) if same else last

        monkeypatch.setattr(probing, "_best", best)
        found = probing.probe(run, posts)
        assert [one.agreement for one in found.tried] == pytest.approx([1, 1 - 1 / len(posts), 1])
        assert found.tried[1].problem == "only 91.7% of the posts get the same hashtags, 99% are needed"
        assert found.chosen == "bf16"

    def test_a_way_that_cannot_be_tried_says_why(self, run, monkeypatch):
        quick(monkeypatch, [0.5])

        def without_onnx(system, way, device):
            if way != "bf16":
                raise UserError("ONNX needs the package 'onnx'")

        monkeypatch.setattr(probing, "use_compute", without_onnx)
        found = probing.probe(run)
        assert (found.chosen, found.tried[1].problem) == ("bf16", "ONNX needs the package 'onnx'")

    def test_times_are_compared_in_pairs(self, run):
        model = load_model(run)
        asked = as_questions(model.system, model.memory, drawn_posts(model.memory, 2))
        ratios = probing._ratios(model.system, model, asked)
        assert len(ratios) == 7
        assert all(ratio > 0 for ratio in ratios)

    def test_no_posts_are_refused(self, run):
        with pytest.raises(UserError, match="probe: no posts were given; give at least one"):
            probing.probe(run, [])


class TestChoice:
    def test_it_is_kept_in_the_cache_and_not_with_the_model(self, run, cache, monkeypatch):
        before = sorted(run.rglob("*"))
        quick(monkeypatch, [0.5, 0.2, 3.0])
        assert kept_choice(run) is None
        assert chosen_way(run) == "onnx"
        assert chosen_way(run) == "onnx"  # without a second probe, for which there are no ratios
        kept = kept_choice(run)
        assert kept.is_relative_to(cache / "compute" / processor_key(describe_processor()))
        values = json.loads(kept.read_text())
        assert (values["chosen"], values["posts"], values["drawn"]) == ("onnx", 4, True)
        assert sorted(run.rglob("*")) == before
        asked = []
        monkeypatch.setattr(recommender, "use_compute", lambda system, way, device: asked.append(way))
        assert Recommender.from_pretrained(run, compute="auto").recommend(caption="sea", k=3)
        assert asked == ["onnx"]

    def test_nothing_is_probed_unless_asked(self, run, cache):
        assert way_of(run, None, "fp32", CPU) == "fp32"
        assert way_of(run, None, "bf16", CPU) == "bf16"
        assert way_of(run, "onnx", "fp32", CPU) == "onnx"
        assert way_of(run, "auto", "fp32", torch.device("cuda")) == "fp32"
        assert not cache.exists()

    def test_a_damaged_choice_is_probed_again(self, run, monkeypatch, caplog):
        quick(monkeypatch, [0.5, 3.0, 3.0, 3.0, 3.0, 3.0])
        monkeypatch.setattr(probing, "LEAST_AGREEMENT", 0.0)
        assert chosen_way(run) == "bf16"
        kept_choice(run).write_text("{")
        assert chosen_way(run) == "fp32"
        assert "Probing again." in caplog.text

    def test_a_cache_that_cannot_be_written_is_told(self, run, monkeypatch, caplog, tmp_path):
        quick(monkeypatch, [3.0, 3.0, 3.0])
        (tmp_path / "file").touch()
        monkeypatch.setattr(choosing, "user_cache", lambda: tmp_path / "file")
        assert probe_and_keep(run).chosen == "fp32"
        assert "what the probe found is not kept" in caplog.text

    def test_a_system_without_encoders_is_exact(self, tiny_data, tmp_path):
        train_run(load_config(ROOT / "configs" / "popularity.yaml"), tiny_data, tmp_path / "run")
        found = probing.probe(tmp_path / "run")
        assert (found.chosen, found.tried) == ("fp32", ())


class TestProcessor:
    def test_its_key_follows_name_instructions_and_libraries(self, tmp_path):
        file = tmp_path / "cpuinfo"
        file.write_text("processor : 0\nmodel name\t: A Chip\nflags\t\t: sse avx2\n\nprocessor : 1\n")
        described = describe_processor(file)
        assert (described["name"], described["instructions"]) == ("A Chip", ["avx2", "sse"])
        assert described["libraries"]["torch"]
        file.write_text("model name : A Chip\nflags : avx2\n")
        assert processor_key(describe_processor(file)) != processor_key(described)

    def test_it_needs_no_such_file(self, tmp_path):
        assert describe_processor(tmp_path / "missing")["instructions"] == []


class TestCommand:
    def test_export_writes_the_encoders(self, run, tmp_path, capsys):
        given = ["export", "--run", str(run), "--onnx", "--output", str(tmp_path / "onnx")]
        assert main([*given, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert set(document["differences"]) == {"words.onnx", "regions.onnx"}
        assert all(difference <= document["tolerance"] for difference in document["differences"].values())
        assert {"words.onnx", "regions.onnx"} <= {path.name for path in (tmp_path / "onnx").iterdir()}
        assert main(given) == 2
        assert f"output {tmp_path / 'onnx'} is not empty; give a new folder." in capsys.readouterr().err

    def test_export_says_what_is_missing_or_too_much(self, run, tmp_path, capsys):
        given = ["export", "--run", str(run), "--output", str(tmp_path / "out")]
        assert main([*given, "--onnx", "--format", "csv"]) == 2
        assert "--format: not for --onnx, which needs --run and --output alone." in capsys.readouterr().err
        assert main([*given, "--format", "csv"]) == 2
        assert "--data must be given for predictions; --onnx writes the encoders." in capsys.readouterr().err

    def test_recommend_refuses_an_unknown_way(self, run, capsys):
        assert main(["recommend", "--run", str(run), "--caption", "sea", "--compute", "int4"]) == 2
        assert "compute: 'int4' is not known; accepted: fp32, bf16, onnx" in capsys.readouterr().err

    def test_a_model_without_encoders_is_refused(self, tmp_path):
        with pytest.raises(RunError, match="the model has no encoders that could be written as ONNX"):
            export_encoders([], tmp_path / "out")
