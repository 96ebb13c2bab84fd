"""Names of forgotten users: salted, those of earlier versions still known."""

from __future__ import annotations

import hashlib

import pytest

from data_loaders.errors import UserError
from multimodal.memory.log.event_coding import encode
from multimodal.memory.log.events import PostObserved, UserForgotten
from multimodal.memory.log.pseudonyms import is_pseudonym, may_be_same, new_salt, pseudonym, unmasked

SALT, OTHER = "00" * 16, "ff" * 16
OLD = "sha256:" + hashlib.sha256(b"ann").hexdigest()


def test_a_salt_makes_another_name_of_the_same_user():
    names = {pseudonym("ann", SALT), pseudonym("ann", OTHER), pseudonym("ann", None), pseudonym("bob", SALT)}
    assert len(names) == 4
    assert OLD in names
    assert all(is_pseudonym(name) for name in names)
    assert pseudonym("ann", SALT) == pseudonym("ann", SALT)
    assert len({new_salt() for _ in range(50)}) == 50
    assert is_pseudonym(pseudonym("\ud800", new_salt()))


def test_names_of_all_salts_are_found_again():
    names = [pseudonym("ann", SALT), pseudonym("bob", OTHER), OLD, pseudonym("gone", SALT), "cem"]
    found = unmasked(names, ["ann", "bob", "cem", "dot"])
    assert found == {names[0]: "ann", names[1]: "bob", OLD: "ann", "cem": "cem"}
    assert unmasked([], ["ann"]) == unmasked(names, []) == {}


def test_what_may_be_one_user():
    assert may_be_same(OLD, "ann")
    assert may_be_same(OLD, OLD)
    assert may_be_same(OLD, pseudonym("ann", SALT))
    assert may_be_same(pseudonym("ann", OTHER), pseudonym("bob", SALT))
    assert not may_be_same(OLD, "bob")
    assert not may_be_same(pseudonym("ann", SALT), pseudonym("bob", SALT))


@pytest.mark.parametrize("name", ["ann", "sha256:", "sha256:ann", OLD + "0", OLD.upper(), "hmac-sha256:" + OLD, ""])
def test_ids_that_look_alike_are_ids(name):
    assert not is_pseudonym(name)


@pytest.mark.parametrize("name", [OLD, pseudonym("ann", SALT)])
def test_nobody_can_post_as_a_forgotten_user(name):
    with pytest.raises(
        UserError, match=r"user_id is '.*'; accepted: any that is not the pseudonym of a forgotten user"
    ):
        encode(PostObserved(post_id="p", user_id=name, instant_us=1, hashtags=()))
    assert UserForgotten(user_id=name, instant_us=1).is_about("ann")
    assert encode(UserForgotten(user_id=name, instant_us=1)).user_id == name
