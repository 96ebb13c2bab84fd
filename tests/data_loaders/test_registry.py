"""Names are given once, near misses are suggested, and built-in modules are imported when they are needed."""

import sys

import pytest

from data_loaders.errors import ConfigError
from data_loaders.registry import Registry


class Circle:
    pass


class Square:
    pass


def shapes():
    registry = Registry("shape")
    registry.register("square", "box")(Square)
    registry.register("circle")(Circle)
    return registry


def test_items_are_found_by_each_of_their_names():
    registry = shapes()
    assert registry.names() == ["box", "circle", "square"]
    assert registry.get("box") is registry.get("square") is Square
    assert registry.values() == [Square, Square, Circle]
    assert registry.check("circle") == "circle"


@pytest.mark.parametrize("find", [Registry.get, Registry.check])
def test_an_unknown_name_suggests_the_nearest_and_lists_all(find):
    with pytest.raises(ConfigError) as error:
        find(shapes(), "sqare")
    assert str(error.value) == "unknown shape 'sqare'. Did you mean 'square'? Known: box, circle, square."
    for name in (3, None, ["box"]):
        with pytest.raises(ConfigError, match="unknown shape"):
            find(shapes(), name)


def test_a_taken_name_is_refused_and_none_of_the_names_is_given():
    registry = shapes()
    with pytest.raises(ConfigError, match="the shape 'square' is already registered; choose another name"):
        registry.register("round", "square")(Circle)
    assert registry.names() == ["box", "circle", "square"]
    assert registry.register("circle")(Circle) is Circle


@pytest.mark.parametrize("name", ["Round", "two words", "2d", "", "a-b"])
def test_names_are_snake_case(name):
    with pytest.raises(ConfigError, match="the name of a shape is snake_case, for instance my_own, not "):
        shapes().register(name)(Circle)


@pytest.fixture
def built_in(tmp_path, monkeypatch):
    (tmp_path / "lazily_found.py").write_text("class Hexagon:\n    pass\n\nREGISTRY.register('hexagon')(Hexagon)\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry("shape", {"hexagon": "lazily_found"})
    monkeypatch.setattr("builtins.REGISTRY", registry, raising=False)
    yield registry
    sys.modules.pop("lazily_found", None)


def test_a_built_in_module_is_imported_when_its_item_is_wanted(built_in):
    built_in.register("circle")(Circle)
    assert built_in.names() == ["circle", "hexagon"]
    assert built_in.check("hexagon") == "hexagon"
    assert built_in.get("circle") is Circle
    assert "lazily_found" not in sys.modules
    assert built_in.get("hexagon").__name__ == "Hexagon"
    assert built_in.values() == [sys.modules["lazily_found"].Hexagon, Circle]


def test_a_built_in_name_is_taken_before_its_module_is_imported(built_in):
    with pytest.raises(ConfigError, match="the shape 'hexagon' is already registered"):
        built_in.register("hexagon")(Circle)
