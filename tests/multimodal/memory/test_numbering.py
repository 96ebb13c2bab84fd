"""Numbers of names: consecutive, and the same in every fork however the others grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.memory.numbering import Numbering


def test_names_are_numbered_in_the_order_of_adding():
    numbers = Numbering(["a", "b"])
    assert [numbers.add(name) for name in ("b", "c", "a", "c")] == [1, 2, 0, 2]
    assert list(numbers.names) == ["a", "b", "c"]
    assert (numbers.find("c"), numbers.find("d"), numbers[2], len(numbers)) == (2, None, "c", 3)
    assert "c" in numbers
    assert "d" not in numbers


def test_a_repeat_is_refused():
    with pytest.raises(ValueError, match="a name is given twice"):
        Numbering(["a", "a"])


@given(steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcdefgh"), st.booleans()), max_size=40))
def test_forks_of_forks_equal_copies_in_any_order_of_growing(steps):
    numberings, copies = [Numbering(["a"])], [["a"]]
    for which, name, fork in steps:
        which %= len(numberings)
        if fork:
            numberings.append(numberings[which].fork())
            copies.append(copies[which].copy())
        else:
            numberings[which].add(name)
            if name not in copies[which]:
                copies[which].append(name)
    for numbering, names in zip(numberings, copies, strict=True):
        assert list(numbering.names) == names
        assert len(numbering) == len(names)
        assert [numbering[index] for index in range(len(names))] == names
        assert {name: numbering.find(name) for name in "abcdefgh"} == {
            name: names.index(name) if name in names else None for name in "abcdefgh"
        }


def test_names_can_be_taken_back():
    numbering = Numbering(["a", "b"])
    fork = numbering.fork()
    for numbers in (numbering, fork):
        numbers.add("c")
        numbers.add("d")
        numbers.truncate(3)
        assert (list(numbers.names), numbers.find("d"), len(numbers)) == (["a", "b", "c"], None, 3)
        assert numbers.add("e") == 3
