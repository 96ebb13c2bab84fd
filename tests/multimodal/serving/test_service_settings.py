import pytest

from data_loaders.errors import UserError
from multimodal.serving.settings import Limits, ModelSource, ServiceSettings, model_sources


def test_names_of_models():
    assert model_sources(["runs/a"], ["sqlite:///x?a=b"]) == [
        ModelSource(name="a", path="runs/a", memory="sqlite:///x?a=b")
    ]
    assert model_sources(["one=runs/a", "runs/b"], ["one=m.sqlite"]) == [
        ModelSource(name="one", path="runs/a", memory="m.sqlite"),
        ModelSource(name="b", path="runs/b"),
    ]


@pytest.mark.parametrize(
    ("runs", "memories", "message"),
    [
        (["runs/a", "other/a"], [], "two runs have the same name; name them"),
        (["runs/a", "runs/b"], ["m.sqlite"], "'m.sqlite' names no model; with several runs give --memory NAME=URL"),
        (["runs/a", "runs/b"], ["c=m.sqlite"], "memory 'c=m.sqlite' names no model"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_apart(runs, memories, message):
    with pytest.raises(UserError, match=message):
        model_sources(runs, memories)


def test_impossible_settings():
    with pytest.raises(UserError, match="posts_at_once: 0 is not a limit; give a number above 0"):
        Limits(posts_at_once=0)
    with pytest.raises(UserError, match="answer_s: nan is not a limit"):
        Limits(answer_s=float("nan"))
    with pytest.raises(UserError, match="no model is given"):
        ServiceSettings(models=[])
