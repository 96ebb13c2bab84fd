import pyarrow.parquet as pq
import pytest
from saved_run_maker import make_posts, make_run

from data_loaders.errors import UserError
from multimodal.evaluation.comparison.saved_runs import group_by_seed, named_groups, read_saved_runs


@pytest.fixture(scope="module")
def posts():
    return make_posts(12)


def test_a_run_is_read_with_what_it_says_of_itself(posts, tmp_path):
    make_run(tmp_path / "a", posts)
    make_run(tmp_path / "b", posts, history="frozen")
    run = read_saved_runs([tmp_path / "a"])[0]
    assert (run.name, run.settings["history"], run.config["system"]) == ("a", "rolling", "habit")
    assert run.fingerprints.shape == (12,)
    frozen = read_saved_runs([tmp_path / "b"], history="frozen")[0]
    assert frozen.settings["history"] == "frozen"
    itself = read_saved_runs([tmp_path / "b" / "evaluation" / "test-frozen"])[0]
    assert itself.folder == frozen.folder


def test_names_are_as_short_as_they_can_be(posts, tmp_path):
    folders = [make_run(tmp_path / parent / "run", posts) for parent in ("x", "y")]
    assert [run.name for run in read_saved_runs(folders)] == ["x/run", "y/run"]


@pytest.mark.parametrize(
    ("names", "group"),
    [
        (("sum_seed0", "sum_seed1"), "sum"),
        (("sum-s10", "sum-s11"), "sum"),
        (("vgg16-0", "vgg16-1"), "vgg16"),
        (("habits0", "habits1"), "habits"),
        (("first", "second"), "first"),
    ],
)
def test_runs_that_differ_in_the_seed_alone_are_one_system(posts, tmp_path, names, group):
    folders = [make_run(tmp_path / name, posts, seed=seed) for seed, name in enumerate(names)]
    folders.append(make_run(tmp_path / "other", posts, config={"width": 3}))
    folders.append(make_run(tmp_path / "again", posts, seed=0))
    groups = group_by_seed(read_saved_runs(folders))
    assert {name: [run.name for run in runs] for name, runs in groups.items()} == {
        group: list(names),
        "other": ["other"],
        "again": ["again"],
    }


def test_groups_by_name():
    assert named_groups(["a = x,y", "b=z"]) == {"a": ["x", "y"], "b": ["z"]}
    for text in ("a", "=x", "a=", "a=,"):
        with pytest.raises(UserError, match="is not of the form name=RUN1,RUN2"):
            named_groups([text])
    with pytest.raises(UserError, match="the name 'a' is given twice"):
        named_groups(["a=x", "a=y"])


def test_refused(posts, tmp_path):
    run = make_run(tmp_path / "habit", posts)

    def message(*runs, **options):
        with pytest.raises(UserError) as error:
            read_saved_runs(runs, **options)
        return str(error.value)

    assert "does not exist. Did you mean 'habit'?" in message(tmp_path / "habbit")
    assert "has no evaluation 'train' (it has test); make it: multimodal-hashtags evaluate --run" in message(
        run, split="train"
    )
    assert message(run, history="frozen").endswith("--data … --split test --history frozen")
    assert "is given twice; a run is compared with others" in message(run, run / "evaluation" / "test")
    (tmp_path / "empty").mkdir()
    assert "has no evaluation 'test' (it has none)" in message(tmp_path / "empty")
    path = run / "evaluation" / "test" / "per_post.parquet"
    table = pq.read_table(path)
    pq.write_table(table.take([0, 1, 1]), path)
    assert "per_post.parquet: post 'post1' is ranked twice" in message(run)
    pq.write_table(table.drop_columns(["hit_ranks"]), path)
    assert "the column 'hit_ranks' is missing; evaluate again" in message(run)
    (run / "config.yaml").write_text("a: [")
    pq.write_table(table, path)
    assert "config.yaml is damaged" in message(run)
