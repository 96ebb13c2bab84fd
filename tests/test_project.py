"""What the project says of itself is true: packages, configurations, sizes, commands of its documents."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

import pytest
import yaml

from data_loaders.command_line import PROGRAM
from multimodal.commands.main import COMMANDS, command_parser
from multimodal.systems.config_loading import load_config

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = ("data_loaders", "multimodal")
CODE = (*LIBRARIES, "scripts", "tests", "benchmarks")
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for library in LIBRARIES
    for path in (ROOT / library).rglob("*.py")
}
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
HEAVY = {
    *(
        "torch",
        "torchvision",
        "timm",
        "transformers",
        "tokenizers",
        "accelerate",
        "numpy",
        "scipy",
        "sklearn",
        "pandas",
    ),
    *("pyarrow", "PIL", "pydantic", "regex", "yaml", "rich", "matplotlib"),
}
OPTIONAL = (
    *("faiss", "instaloader", "fastapi", "uvicorn", "gradio", "tensorboard", "tensorboardX"),
    "ray",
    "simplemma",
    "py3langid",
    "pillow_heif",
    *("onnx", "onnxruntime", "onnxscript"),
)


def named(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.relative_to(ROOT).as_posix())


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirement(text):
    """Return name and version limits of a requirement as pip or conda writes it."""
    name, limits = re.fullmatch(r"([\w.-]+)\s*([^;]*?)\s*(?:;.*)?", text).groups()
    return name.lower().replace("_", "-"), limits.replace(" ", "")


class TestPackages:
    def test_the_conda_environment_holds_the_same_packages(self):
        wanted = dict(requirement(text) for text in pyproject()["project"]["dependencies"])
        # Where there is no faiss-gpu pip takes faiss-cpu; the versions of conda-forge are others than PyPI's.
        del wanted["faiss-cpu"]
        # Pip installs it with the project.
        del wanted["py3langid"]
        wanted = {CONDA_NAMES.get(name, name): limits for name, limits in wanted.items()}
        environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
        held = dict(requirement(text) for text in environment["dependencies"] if isinstance(text, str))
        assert held.pop("python") == ">=3.10,<3.14"
        assert held.pop("pip") == ""
        assert set(held) == set(wanted)
        del held["faiss-gpu"], wanted["faiss-gpu"]
        assert held == wanted

    def test_the_conda_environment_adds_the_project_with_what_its_tests_need(self):
        environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
        assert environment["dependencies"][-1] == {"pip": ["--editable .[dev]"]}
        assert environment["channels"] == ["conda-forge"]

    def test_the_python_versions_agree(self):
        project = pyproject()["project"]
        assert project["requires-python"] == ">=3.10"
        minors = [int(c.rpartition(".")[2]) for c in project["classifiers"] if re.search(r":: 3\.\d+$", c)]
        assert minors == [10, 11, 12, 13]

    def test_the_tools_of_a_commit_are_those_of_the_checks(self):
        pins = dict(requirement(text) for text in pyproject()["project"]["optional-dependencies"]["dev"])
        hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
        revisions = {repository["repo"].rpartition("/")[2]: repository for repository in hooks}
        assert f"=={revisions['ruff-pre-commit']['rev'].removeprefix('v')}" == pins["ruff"]
        # mypy is that of the environment, which the dev extra pins.
        (mypy,) = revisions["local"]["hooks"]
        assert (mypy["entry"], mypy["language"]) == ("mypy", "system")
        assert re.fullmatch(r"==\d+(\.\d+)+", pins["mypy"])

    def test_every_extra_is_documented_and_no_other(self):
        text = (ROOT / "docs" / "getting-started" / "install.md").read_text(encoding="utf-8")
        extras = set(pyproject()["project"]["optional-dependencies"])
        assert set(re.findall(r"^\| `(\w+)` \|", text, re.M)) == extras
        named = [extras_of.split(",") for extras_of in re.findall(r"\.\[([\w,]+)\]", text)]
        assert {extra for names in named for extra in names} <= extras

    def test_one_version_everywhere(self):
        import multimodal

        citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
        assert pyproject()["project"]["dynamic"] == ["version"]
        assert pyproject()["tool"]["setuptools"]["dynamic"] == {"version": {"attr": "data_loaders.__version__"}}
        assert multimodal.__version__ == citation["version"]
        assert f"## [{multimodal.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@named(CONFIGS)
class TestConfigurations:
    def test_it_is_valid(self, path):
        load_config(path)

    def test_its_header_says_command_hardware_and_what_to_expect(self, path):
        header = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
        assert header[0].startswith(f"# {path.stem}: ")
        for key in ("command", "hardware", "expected"):
            assert any(re.match(rf"# {key}: +\S", line) for line in header), f"{path.name} lacks '# {key}: …'"

    def test_the_readme_names_it(self, path):
        assert path.stem in (ROOT / "README.md").read_text(encoding="utf-8")


def run_python(code):
    code = textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


class TestImports:
    def test_the_packages_import_no_torch(self):
        done = run_python("import sys, multimodal, data_loaders; sys.exit('torch' in sys.modules)")
        assert done.returncode == 0, done.stderr

    def test_help_imports_nothing_heavy(self):
        done = run_python(
            f"""
            import sys
            from multimodal.commands.main import COMMANDS, build_parser, command_parser

            texts = [build_parser().format_help(), *(command_parser(name).format_help() for name in COMMANDS)]
            print(sorted({HEAVY!r} & set(sys.modules)))
            """
        )
        assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr

    def test_every_module_does_without_optional_packages(self):
        # The service is an extra of its own; its command says so where it is missing.
        modules = sorted(name for name in MODULES if not name.startswith("multimodal.serving."))
        done = run_python(
            f"""
            import importlib, sys

            class Without:
                def __init__(self, finder):
                    self.finder = finder

                def find_spec(self, name, path=None, target=None):
                    if name.partition(".")[0] in {OPTIONAL!r}:
                        return None
                    return self.finder.find_spec(name, path, target)

                def __getattr__(self, name):
                    return getattr(self.finder, name)

            sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
            for name in {modules!r}:
                importlib.import_module(name)
            """
        )
        assert done.returncode == 0, done.stderr[-2_000:]


def imported(tree):
    """Return the project's modules that a module imports: at once, later inside a function, or for its types alone."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in MODULES else node.module)
    return {name for name in found if name.partition(".")[0] in (*LIBRARIES, "scripts", "tests")}


def users_of(part):
    """Return (module, imported module) for every import inside a package or a module."""
    inside = [name for name in MODULES if name == part or name.startswith(part + ".")]
    return [(name, other) for name in inside for other in imported(tree_of(MODULES[name]))]


# Of Systems; they meet in the registry only.
KINDS = ("design", "captions", "baselines", "peers", "hybrid")


class TestArrows:
    def test_data_loaders_knows_nothing_of_models(self):
        assert [pair for pair in users_of("data_loaders") if not pair[1].startswith("data_loaders")] == []

    def test_libraries_know_nothing_of_scripts_and_tests(self):
        assert [pair for pair in users_of("multimodal") if pair[1].partition(".")[0] not in LIBRARIES] == []

    @pytest.mark.parametrize("part", KINDS)
    def test_kinds_of_systems_do_not_import_each_other(self, part):
        others = tuple(f"multimodal.{other}" for other in KINDS if other != part)
        assert [pair for pair in users_of(f"multimodal.{part}") if pair[1].startswith(others)] == []

    @pytest.mark.parametrize("part", ["encoders", "ranking", "memory", "training", "systems", "recommender"])
    def test_what_all_systems_share_knows_none_of_them(self, part):
        systems = tuple(f"multimodal.{kind}" for kind in KINDS)
        assert [pair for pair in users_of(f"multimodal.{part}") if pair[1].startswith(systems)] == []

    def test_the_metrics_know_nothing_of_what_is_made_of_them(self):
        of_metrics = users_of("multimodal.evaluation.metrics")
        others = [pair for pair in of_metrics if pair[1].startswith("multimodal.evaluation")]
        assert [pair for pair in others if not pair[1].startswith("multimodal.evaluation.metrics")] == []

    def test_the_commands_are_used_by_nothing(self):
        users = [pair for pair in users_of("multimodal") if pair[1].startswith("multimodal.commands")]
        assert [pair for pair in users if not pair[0].startswith("multimodal.commands")] == []

    @pytest.mark.parametrize("part", ["storage", "distributed", "config"])
    def test_the_foundations_know_each_other_alone(self, part):
        allowed = ("multimodal.storage", "multimodal.distributed", "data_loaders")
        assert [pair for pair in users_of(f"multimodal.{part}") if not pair[1].startswith(allowed)] == []

    def test_no_circles_deferred_and_type_only_imports_included(self):
        arrows = {name: imported(tree_of(path)) & set(MODULES) for name, path in MODULES.items()}
        while leaves := {name for name, targets in arrows.items() if not targets - {name}}:
            arrows = {name: targets - leaves for name, targets in arrows.items() if name not in leaves}
        assert arrows == {}


# The folders in which a reader should find the way at a glance, and their largest number of entries.
ENTRIES = {"multimodal": 20, "multimodal/evaluation": 14, "data_loaders": 16}


@pytest.mark.parametrize("part", ENTRIES)
def test_folders_are_not_crowded(part):
    unseen = {"__init__.py", "__pycache__", "py.typed"}
    names = [path.name for path in (ROOT / part).iterdir() if path.name not in unseen]
    assert len(names) <= ENTRIES[part], sorted(names)


def public_names(node, prefix=""):
    """Yield (name, node) of every public class, function and method; overloads are described where they are defined."""
    for child in node.body:
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and not child.name.startswith("_"):
            if any(ast.unparse(decorator) == "overload" for decorator in child.decorator_list):
                continue
            yield f"{prefix}{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from public_names(child, f"{prefix}{child.name}.")


def test_every_module_and_public_name_has_a_docstring():
    missing = [name for name, path in MODULES.items() if not ast.get_docstring(tree_of(path))]
    for name, path in MODULES.items():
        missing += [f"{name}:{one}" for one, node in public_names(tree_of(path)) if not ast.get_docstring(node)]
    assert missing == []


FILES = sorted(path for folder in CODE for path in (ROOT / folder).rglob("*.py"))


class TestCode:
    def test_no_file_is_longer_than_600_lines_and_no_function_than_80(self):
        lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
        assert {path: length for path, length in lengths.items() if length > 600} == {}
        functions = {
            f"{path.relative_to(ROOT)}:{node.name}": node.end_lineno - node.lineno + 1
            for path in FILES
            for node in ast.walk(tree_of(path))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        }
        assert {name: length for name, length in functions.items() if length > 80} == {}

    def test_libraries_hold_no_assert_no_print_and_no_pickle(self):
        found = [
            f"{name}:{node.lineno}: {problem}"
            for name, path in MODULES.items()
            for node in ast.walk(tree_of(path))
            if not (name.startswith("multimodal.commands.") and isinstance(node, ast.Call) and is_print(node))
            if (problem := forbidden(node))
        ]
        assert found == []


def is_print(call):
    return ast.unparse(call.func) == "print"


def forbidden(node):
    """Return what library code must not do, or nothing."""
    if isinstance(node, ast.Assert):
        return "assert"
    if not isinstance(node, ast.Call):
        return ""
    call = ast.unparse(node.func)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    if call in {"print", "torch.save", "eval", "exec"} or call.startswith(("pickle.", "joblib.", "dill.")):
        return call
    if call == "torch.load" and given.get("weights_only") != "True":
        return "torch.load of more than tensors"
    if call == "np.load" and given.get("allow_pickle") != "False":
        return "np.load that may read pickle"
    return ""


def fenced(text, languages):
    """Yield the code blocks of a document that are in one of the languages."""
    for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.DOTALL | re.M):
        if language in languages:
            yield block


def commands_of(path):
    """Return the shell commands of a document, of a configuration's header or of the Makefile, as lists of words."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    if path.suffix == ".yaml":
        lines = re.findall(r"^# command: +(.+)$", text, re.M)
    elif path.name == "Makefile":
        lines = [line for line in re.findall(r"^\t(.+)$", text, re.M) if PROGRAM in line or "benchmarks/" in line]
    else:
        lines = "\n".join(fenced(text, ("bash", "sh"))).splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [line for line in words if line]


def benchmark_entries(options):
    from multimodal.experiments.benchmark.entries import choose_entries, parse_entry, parse_settings

    entries = [parse_entry(text) for text in options.entry]
    return choose_entries(options.systems, entries, parse_settings(options.set), options.overrides)


def check_arguments(name, arguments):
    """Fail unless a sub-command takes the arguments, and its configuration exists and is valid."""
    options = command_parser(name).parse_intermixed_args(arguments)
    if name == "benchmark":
        for entry in benchmark_entries(options):
            load_config(entry.config, entry.overrides)
    elif getattr(options, "config", None) is not None:
        load_config(options.config, options.overrides)


def program_arguments(words):
    """Return the sub-command and arguments of a command, in whatever way it is called; None for another program."""
    for number, word in enumerate(words):
        script = re.fullmatch(r"scripts/(\w+)\.py", word)
        if script:
            return [script[1].replace("_", "-"), *words[number + 1 :]]
        if word.rpartition("/")[2] == PROGRAM or word == "multimodal.commands":
            return words[number + 1 :]
    return None


OTHER_PROGRAMS = {
    "sqlite3",
    "curl",
    "hf",
    "git",
    "cd",
    "source",
    "conda",
    "pip",
    "export",
    "tensorboard",
    "pre-commit",
    "mypy",
    "docker",
}


def check_command(words):
    """Fail unless a command's program, make target, flags and configuration exist."""
    while re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
        assert set(words[1:]) <= set(targets)
        return
    if words[0] in OTHER_PROGRAMS:
        return
    arguments = program_arguments(words)
    timings = [number for number, word in enumerate(words) if re.fullmatch(r"benchmarks/\w+\.py", word)]
    assert arguments or timings, f"unknown program {words[0]}"
    if timings:
        text = (ROOT / words[timings[0]]).read_text(encoding="utf-8")
        assert all(f'"{word}"' in text for word in words[timings[0] + 1 :] if word.startswith("--"))
    elif arguments[0].startswith("-"):
        assert arguments in (["--help"], ["--version"])
    else:
        assert arguments[0] in COMMANDS
        check_arguments(arguments[0], arguments[1:])


class TestDocuments:
    @named([*DOCUMENTS, *CONFIGS, ROOT / "Makefile"])
    def test_its_commands_can_be_run(self, path, capsys):
        for words in commands_of(path):
            try:
                check_command(words)
            except SystemExit:
                pytest.fail(f"{path.name}: {shlex.join(words)}\n{capsys.readouterr().err}")

    @named(DOCUMENTS)
    def test_its_python_names_what_exists(self, path):
        for block in fenced(path.read_text(encoding="utf-8"), ("python",)):
            for node in ast.walk(ast.parse(textwrap.dedent(block))):
                if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] in LIBRARIES:
                    module = importlib.import_module(node.module)
                    assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []

    @named(DOCUMENTS)
    def test_its_links_lead_somewhere(self, path):
        links = re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
        assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []

    @named(DOCUMENTS)
    def test_the_files_it_names_exist(self, path):
        names = re.findall(r"`((?:tests|multimodal|data_loaders|scripts|docs|configs|benchmarks)/[\w./-]+\.\w+)`",
                           path.read_text(encoding="utf-8"))  # fmt: skip
        assert [name for name in names if not (ROOT / name).exists()] == []

    def test_the_readme_names_every_command(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        assert [name for name in COMMANDS if name not in readme and name.replace("-", "_") not in readme] == []

    def test_every_command_has_a_script(self):
        scripts = {path.stem.replace("_", "-") for path in (ROOT / "scripts").glob("[a-z]*.py")}
        assert scripts == set(COMMANDS)

    def test_the_tests_that_are_named_exist(self):
        text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
        defined = {
            node.name
            for path in (ROOT / "tests").rglob("*.py")
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.FunctionDef)
        }
        assert sorted(set(re.findall(r"`(test_\w+)`", text)) - defined) == []


def keys_of(schema, prefix=""):
    """Yield every key of a configuration with its default, sections joined by dots."""
    for name, field in schema.model_fields.items():
        kinds = (field.annotation, *getattr(field.annotation, "__args__", ()))
        section = next((kind for kind in kinds if hasattr(kind, "model_fields")), None)
        if section is not None:
            yield from keys_of(section, f"{prefix}{name}.")
        else:
            yield prefix + name, field.default


def test_the_table_of_keys_is_that_of_the_configuration():
    """`docs/models.md` lists every key of DESIGN with its default."""
    from multimodal.design.config import DesignConfig

    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    listed = {
        key: yaml.safe_load(default) for key, default in re.findall(r"^\| `([\w.]+)` \| `([^`]+)` \|", text, re.M)
    }
    assert listed == dict(keys_of(DesignConfig))


def test_the_table_of_caption_encoders_is_that_of_their_schemas():
    from multimodal.encoders.captions.schemas import CAPTION_SCHEMAS, CaptionEncoderConfig

    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    lines = text.partition("### Keys of each caption encoder")[2].split("\n\n")[2].splitlines()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]
    names = rows[0][1:-1]
    assert sorted(names) == CAPTION_SCHEMAS.names()
    for column, name in enumerate(names, start=1):
        listed = {row[0]: yaml.safe_load(row[column]) for row in rows[2:] if row[column] != "–"}
        fields = CAPTION_SCHEMAS.get(name).model_fields
        same_for_all = set(CaptionEncoderConfig.model_fields) - {"maximum_tokens"}
        assert listed == {key: field.default for key, field in fields.items() if key not in same_for_all}


def test_formats_and_names_of_columns_are_those_of_the_readers():
    from data_loaders.readers import list_readers
    from data_loaders.readers.fields import ALIASES
    from data_loaders.readers.summary import REMEDIES

    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert [name for name in list_readers() if f"\n| `{name}` |" not in text] == []
    for field, names in ALIASES.items():
        assert f"| `{field}` | {', '.join(f'`{name}`' for name in names)} |" in text
    assert [reason for reason, remedy in REMEDIES.items() if f"| `{reason}` | {remedy} |" not in text] == []


def test_the_quickstart_asks_about_a_post_of_the_sample():
    from data_loaders.sample import plan_sample

    (words,) = [words for words in commands_of(ROOT / "Makefile") if "recommend" in words]
    options = command_parser("recommend").parse_args(words[words.index("recommend") + 1 :])
    made = command_parser("make-sample").parse_args(["--output", "data/sample"])
    plan = plan_sample(posts=made.posts, users=made.users, seed=made.seed)
    posts = {f"{post.username}/{post.timestamp:%Y-%m-%d_%H-%M-%S}_UTC": post for post in plan}
    post = posts[Path(options.image).relative_to("data/sample").with_suffix("").as_posix()]
    assert options.user_id == str(post.account_id)
    assert post.picture == "scene"
    assert options.caption in post.text


def test_the_figures_of_the_readme_stand_in_the_benchmarks():
    figure = re.compile(r"[+−]?\d\.\d+ \[[^\]]*\]")
    readme, benchmarks = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "BENCHMARKS.md"))
    assert figure.findall(readme)
    assert set(figure.findall(readme)) <= set(figure.findall(benchmarks))


def test_the_site_shows_every_document():
    def leaves(entry):
        for value in entry.values() if isinstance(entry, dict) else entry:
            yield from [value] if isinstance(value, str) else leaves(value)

    shown = sorted(leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in DOCUMENTS if path.is_relative_to(ROOT / "docs")}
    top = {path.name.lower() for path in ROOT.glob("*.md")} - {"readme.md"}
    assert shown == sorted(pages - {"README.md"} | top | {"index.md", "license.md"})


def test_every_test_file_has_a_name_of_its_own():
    """Pytest imports test files by name alone: the second of two is not collected."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
