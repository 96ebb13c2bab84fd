"""What the buttons of the page do."""

from __future__ import annotations

import base64
import re

from multimodal import Recommender
from multimodal.serving.page.known_posts import KnownPosts

NOBODY = (None, "", "", "habit", 5, False)


def picture_of(page_data):
    return "data:image/png;base64," + base64.b64encode(page_data.split("test")[0].image.read_bytes()).decode()


def hashtags_in(html):
    return re.findall(r'data-copy="#(\w+)"', html)


def answer_id_in(html):
    return re.search(r'data-answer="(\w+)"', html)[1]


class TestRecommend:
    def test_as_the_recommender_does(self, visit, page_runs, page_data):
        right = Recommender.from_pretrained(page_runs["design"]).recommend(
            page_data.split("test")[0].image, "a fire at night", "user1", 3
        )

        async def use(actions):
            return await actions.recommend(picture_of(page_data), "a fire at night", "user1", "design", 3.0, False)

        shown, spoken = visit(use, KnownPosts(page_data))
        names = [one.hashtag for one in right]
        assert hashtags_in(shown) == names
        assert spoken == f"3 hashtags: {', '.join(map(str, right))}"
        assert 'data-copy="' + " ".join(map(str, right)) + '"' in shown

    def test_reasons_and_posts_are_shown(self, visit, page_runs, page_data):
        user = Recommender.from_pretrained(page_runs["habit"]).memory.user_ids[0]

        async def use(actions):
            return await actions.recommend(None, "", user, "habit", 2, False)

        shown, _ = visit(use, KnownPosts(page_data))
        assert "the user’s earlier posts" in shown
        assert shown.count("data:image/jpeg;base64,") >= 2
        assert "habit gives no probabilities, only an order." in shown

    def test_everything_is_escaped(self, visit):
        async def use(actions):
            return await actions.recommend(None, "", '<b onclick="x">', "habit", 1, False)

        shown, _ = visit(use)
        assert "<b onclick" not in shown
        assert "&lt;b onclick" in shown

    def test_bad_input_is_told(self, visit):
        async def use(actions):
            return [
                (await actions.recommend(*given))[0]
                for given in [
                    NOBODY,
                    ("data:image/png;base64,aGVsbG8=", *NOBODY[1:]),
                    ("https://example.org/a.png", *NOBODY[1:]),
                    (None, "a" * 11, *NOBODY[2:]),
                    (None, "a", "", "nothing", 5, False),
                    (None, "a", "", "habit", 5, True),
                    (None, "a", "", "habit", 0, False),
                    (None, "a", "", "habit", None, False),
                    (None, "a", "", "habit", 2.5, False),
                ]
            ]

        told = visit(use, caption_characters=10)
        for html, words in zip(
            told,
            [
                "give at least one of image, caption and user_id",
                "cannot be used: ",
                "an address was given; no picture is fetched",
                "caption: 11 characters were given; at most 10 are accepted",
                "model &#39;nothing&#39; is not served; accepted: habit, design",
                "the scores of &#39;user_habit&#39; are not probabilities; give a number",
                *["k: give a whole number of at least 1, or auto"] * 3,
            ],
            strict=True,
        ):
            assert 'role="alert"' in html
            assert words in html


class TestCompare:
    def test_models_side_by_side_coloured_by_the_truth(self, visit, page_data, page_runs):
        post = page_data.split("test")[0]

        async def use(actions):
            true = ", ".join(post.hashtags)
            given = (picture_of(page_data), post.caption, post.user_id, ["design", "habit"], 4, False, true)
            return await actions.compare(*given)

        shown, spoken = visit(use)
        design, habit = (
            Recommender.from_pretrained(page_runs[name]).recommend(post.image, post.caption, post.user_id, 4)
            for name in ("design", "habit")
        )
        assert re.findall(r"<span dir=\"auto\">#(\w+)</span>", shown) == [
            one.hashtag for pair in zip(design, habit, strict=True) for one in pair
        ]
        counts = [sum(one.hashtag in post.hashtags for one in answer) for answer in (design, habit)]
        assert shown.count('class="mh-right"') == sum(counts) + 1  # the last one is the legend's
        assert spoken == f"design: {counts[0]} right; habit: {counts[1]} right"

    def test_hashtags_of_the_caption_are_the_truth_where_no_other_is_given(self, visit):
        async def use(actions):
            with_truth, _ = await actions.compare(None, "a day #sea #fire", "user1", ["habit"], 5, False, "")
            without, _ = await actions.compare(None, "a day", "user1", ["habit"], 5, False, " ")
            return with_truth, without

        with_truth, without = visit(use)
        assert "#sea #fire " in with_truth
        assert with_truth.count('<td class="mh-right">') == 2
        assert "<td class=" not in without
        assert "Give true hashtags" in without

    def test_a_model_that_cannot_answer_does_not_lose_the_others(self, visit):
        async def use(actions):
            many, _ = await actions.compare(None, "a day", "", ["habit", "gone"], 2, False, "")
            none, _ = await actions.compare(None, "a day", "", [], 2, False, "")
            return many, none

        many, none = visit(use)
        assert "model &#39;gone&#39; is not served" in many
        assert many.count('<span dir="auto">#') == 2
        assert "no model was chosen; choose at least one" in none


class TestTeach:
    def test_the_next_answer_takes_it_into_account(self, visit):
        async def use(actions):
            before, _ = await actions.recommend(None, "", "ann", "habit", 5, False)
            first, *_, last = hashtags_in(before)
            told = [
                await actions.teach(answer_id_in(before), last, "accepted"),
                await actions.teach(answer_id_in(before), first, "rejected"),
            ]
            after, _ = await actions.recommend(None, "", "ann", "habit", 5, False)
            return first, last, told, hashtags_in(after)

        first, last, (yes, no), after = visit(use)
        assert (after[0], first in after[:-1]) == (last, False)
        assert f">#{last} fits ann</b>" in yes[0]
        assert (yes[1], no[1]) == (f"Kept: #{last} fits ann", f"Kept: #{first} does not fit ann")

    def test_nobody_cannot_be_taught(self, visit):
        async def use(actions):
            shown, _ = await actions.recommend(None, "a", "", "habit", 2, False)
            return await actions.teach(answer_id_in(shown), hashtags_in(shown)[0], "accepted")

        shown, spoken = visit(use)
        assert "nobody can be taught; choose or invent a user, and ask again" in shown
        assert spoken == ""

    def test_an_answer_that_is_not_kept(self, visit):
        async def use(actions):
            return await actions.teach("ab", "sea", "accepted")

        assert "answer &#39;ab&#39; is not known here" in visit(use)[0]


def test_examples_come_one_after_the_other(visit, page_data):
    known = KnownPosts(page_data)

    async def use(actions):
        return [actions.example() for _ in range(len(known.examples) + 1)]

    given = visit(use, known)
    assert given[0] == given[-1]
    assert len({user_and_caption[1:3] for user_and_caption in given}) == len(known.examples)
    picture, caption, user, truth = given[0]
    first = known.examples[0]
    assert (caption, user, truth) == (first.caption, first.user_id, " ".join(f"#{tag}" for tag in first.hashtags))
    assert picture.startswith("data:image/jpeg;base64,")


def test_users_of_a_model(visit):
    async def use(actions):
        return actions.users("design")

    assert sorted(visit(use)) == [f"user{number}" for number in range(6)]
