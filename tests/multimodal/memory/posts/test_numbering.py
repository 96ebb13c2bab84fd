"""Numbers of names: consecutive, and the same in every fork however the others grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.memory.posts.numbering import Numbering


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


def test_a_name_may_be_given_another_number_and_a_fork_keeps_the_one_it_knew():
    numbering = Numbering(["a", "b"])
    fork = numbering.fork()
    assert [numbering.add_again("a"), numbering.add_again("a")] == [2, 3]
    assert (numbering.find("a"), fork.find("a"), list(numbering.names)) == (3, 0, ["a", "b", "a", "a"])
    assert (fork.add_again("a"), fork.find("a"), list(fork.names)) == (2, 2, ["a", "b", "a"])
    later = numbering.fork()
    assert later.find("a") == 3
    fork.truncate(2)
    numbering.truncate(3)
    assert (numbering.find("a"), fork.find("a")) == (2, 0)
    numbering.truncate(2)
    assert (numbering.find("a"), len(numbering)) == (0, 2)


def test_the_names_of_a_fork_are_a_sequence():
    fork = Numbering(["a", "b"]).fork()
    fork.add("c")
    assert (fork.names[-1], fork.names[1:], len(fork.names)) == ("c", ["b", "c"], 3)
    with pytest.raises(IndexError):
        fork.names[3]
