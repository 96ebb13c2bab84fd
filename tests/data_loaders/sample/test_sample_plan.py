"""The truth behind the sample: what tells which hashtag, and how well."""

from collections import Counter, defaultdict

import pytest
import regex

from data_loaders.sample import (
    CYRILLIC_SCENE_HASHTAGS,
    EVENTS,
    EXCLUSIVE_OR_HASHTAGS,
    HABIT_HASHTAGS,
    JOINT_HASHTAGS,
    LATE_HASHTAGS,
    LOCAL_HABIT_HASHTAGS,
    POPULAR_HASHTAGS,
    SCENES,
    TOPICS,
    plan_sample,
)
from data_loaders.sample.languages import LANGUAGES
from data_loaders.text.hashtags import canonical_list, extract, normalise, remove_hashtags

POSTS, USERS = 2000, 100
SCENE_OF = {scene.name: scene for scene in SCENES}
TOPIC_OF = {topic.name: topic for topic in TOPICS}
SCENE_TAGS = {tag for scene in SCENES for tag in scene.hashtags} | set(CYRILLIC_SCENE_HASHTAGS.values())
TOPIC_TAGS = {tag for topic in TOPICS for tag in (*topic.hashtags, topic.cyrillic) if tag}
JOINT_TAGS = {tag for tags in JOINT_HASHTAGS.values() for tag in tags}
HABIT_TAGS = {*HABIT_HASHTAGS, *LATE_HASHTAGS, *(tag for tags in LOCAL_HABIT_HASHTAGS.values() for tag in tags)}
EVENT_TAGS = {tag for event in EVENTS for tag in event.hashtags}
ALL_TAGS = SCENE_TAGS | TOPIC_TAGS | JOINT_TAGS | HABIT_TAGS | set(POPULAR_HASHTAGS)
WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+")


@pytest.fixture(scope="module")
def posts():
    return [post for post in plan_sample(posts=POSTS, users=USERS, seed=0) if not post.is_video]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def families(post):
    return SCENE_OF[post.scene].family, TOPIC_OF[post.topic].family


def test_kinds_of_hashtags_do_not_overlap_and_are_canonical():
    kinds = [SCENE_TAGS, TOPIC_TAGS, JOINT_TAGS, HABIT_TAGS, set(POPULAR_HASHTAGS)]
    assert sum(map(len, kinds)) == len(ALL_TAGS)
    assert {tag for tag in ALL_TAGS if normalise(tag) != tag} == set()
    assert 130 <= len(ALL_TAGS) <= 180
    assert EVENT_TAGS.isdisjoint(ALL_TAGS)
    assert len(EVENT_TAGS) == sum(len(event.hashtags) for event in EVENTS)
    assert {tag for tag in EVENT_TAGS if normalise(tag) != tag} == set()


def test_same_seed_same_plan():
    assert plan_sample(posts=40, users=8, seed=5) == plan_sample(posts=40, users=8, seed=5)
    assert plan_sample(posts=40, users=8, seed=5) != plan_sample(posts=40, users=8, seed=6)


@pytest.mark.parametrize(("count", "users"), [(1, 1), (7, 7), (90, 30), (900, 600)])
def test_counts_hold_at_any_size(count, users):
    planned = plan_sample(posts=count, users=users, seed=0)
    pictures = [post for post in planned if not post.is_video]
    assert len(pictures) == count
    assert len(planned) - count == count // 80
    assert len({post.username for post in pictures}) == users
    assert len({post.username.casefold() for post in planned}) == len({post.account_id for post in planned}) == users


def test_posts_are_in_order_of_time_over_two_years(posts):
    times = [post.timestamp for post in posts]
    assert times == sorted(times)
    assert len(set(times)) == POSTS
    assert 700 <= (times[-1] - times[0]).days <= 730


def test_captions_hold_exactly_the_hashtags_of_the_post(posts):
    for post in posts:
        found, surfaces = canonical_list(extract(post.caption))
        assert sorted(found) == sorted(post.hashtags)
        assert len(surfaces) == len(set(post.hashtags)) == len(post.hashtags)


def test_text_is_what_remains_of_the_caption(posts):
    for post in posts:
        remains = "".join(remove_hashtags(post.caption).split())
        # Dots may stand before the first hashtag, and an emoji of up to five characters follow the last.
        assert remains.startswith("".join(post.text.split()))
        assert len(remains) <= len("".join(post.text.split())) + 8


def test_text_never_names_a_hashtag_that_it_must_not_tell(posts):
    hidden = SCENE_TAGS | JOINT_TAGS | HABIT_TAGS | EVENT_TAGS | set(POPULAR_HASHTAGS)
    for post in posts:
        text = post.text.casefold()
        assert hidden.isdisjoint(WORD.findall(text)), post.text
        assert not [tag for tag in hidden if len(tag) >= 7 and tag in text], post.text


def test_the_text_names_its_topic_and_no_other(posts):
    words_of = {language.code: language.words for language in LANGUAGES}
    for post in posts:
        text = post.text.casefold()
        named = {t for t, words in words_of[post.language].items() if any(word.casefold() in text for word in words)}
        assert named >= ({post.topic} if post.topic else set()), post.text
        assert post.topic or not named, post.text


def test_shares_of_missing_parts(posts):
    captions = Counter(post.caption_kind for post in posts)
    pictures = Counter(post.picture for post in posts)
    assert captions["absent"] / POSTS == pytest.approx(0.20, abs=0.03)
    assert captions["short"] / POSTS == pytest.approx(0.30, abs=0.03)
    assert pictures["none"] / POSTS == pytest.approx(0.04, abs=0.015)
    assert pictures["unhelpful"] / POSTS == pytest.approx(0.07, abs=0.02)
    for post in posts:
        assert (post.caption_kind == "absent") == (post.text == "")
        if post.picture != "scene":
            assert post.scene is None
            assert post.scene_hashtags == post.joint_hashtags == ()
        if post.topic is None:
            assert post.topic_hashtags == post.joint_hashtags == ()
        assert post.topic is None or post.caption_kind != "absent"


def test_each_part_tells_about_its_share_of_the_hashtags(posts):
    assert mean(len(post.scene_hashtags) for post in posts) == pytest.approx(1.3, abs=0.15)
    assert mean(len(post.topic_hashtags) for post in posts) == pytest.approx(1.25, abs=0.15)
    assert mean(len(post.habit_hashtags) for post in posts) == pytest.approx(1.5, abs=0.2)
    assert mean(len(post.joint_hashtags) for post in posts) == pytest.approx(0.7, abs=0.1)
    assert 4 <= mean(len(post.hashtags) for post in posts) <= 6


def test_popularity_says_little(posts):
    counts = Counter(tag for post in posts for tag in post.hashtags)
    favourites = {tag for tag, _ in counts.most_common(5)}
    f1 = mean(2 * len(favourites & set(post.hashtags)) / (5 + len(post.hashtags)) for post in posts)
    assert f1 < 0.15


def test_a_scene_tells_its_hashtags_and_a_topic_its_own(posts):
    latin = [post for post in posts if post.language not in ("ru", "uk")]
    seen = [tag in post.scene_hashtags for post in latin if post.scene for tag in SCENE_OF[post.scene].hashtags]
    named = [tag in post.topic_hashtags for post in latin if post.topic for tag in TOPIC_OF[post.topic].hashtags]
    assert mean(seen) >= 0.9
    assert mean(named) >= 0.9


def test_scene_topic_and_author_are_independent(posts):
    together = Counter((post.scene, post.topic) for post in posts if post.scene and post.topic)
    assert max(together.values()) / sum(together.values()) < 0.02
    by_author = defaultdict(Counter)
    for post in posts:
        by_author[post.username][post.scene] += 1
    busy = [counts for counts in by_author.values() if sum(counts.values()) >= 30]
    assert mean(max(counts.values()) / sum(counts.values()) for counts in busy) < 0.25


def test_joint_hashtags_need_scene_and_topic(posts):
    both = [post for post in posts if post.scene and post.topic]
    counts = Counter(tag for post in both for tag in post.joint_hashtags)
    assert set(counts) == JOINT_TAGS
    assert min(counts.values()) >= 25
    assert mean(tag in post.joint_hashtags for post in both for tag in JOINT_HASHTAGS[families(post)]) >= 0.88
    for place in (0, 1):
        of_family = defaultdict(list)
        for post in both:
            of_family[families(post)[place]].append(set(post.joint_hashtags))
        for tag_sets in of_family.values():
            best = Counter(tag for tags in tag_sets for tag in tags).most_common(1)[0][1]
            assert best / len(tag_sets) <= 0.5


def test_exclusive_or_hashtags_stand_for_opposite_pairs():
    for tag in EXCLUSIVE_OR_HASHTAGS:
        (scene, topic), (other_scene, other_topic) = [pair for pair, tags in JOINT_HASHTAGS.items() if tag in tags]
        assert scene != other_scene
        assert topic != other_topic
        assert tag not in JOINT_HASHTAGS[(scene, other_topic)]
        assert tag not in JOINT_HASHTAGS[(other_scene, topic)]


def test_habits_are_told_by_earlier_posts_of_the_author_and_by_little_else(posts):
    earlier, last_five, hits, guesses = defaultdict(set), defaultdict(list), [], []
    users_of = defaultdict(set)
    for post in posts:
        for tag in post.habit_hashtags:
            users_of[tag].add(post.username)
            if len(last_five[post.username]) >= 5:
                hits.append(tag in earlier[post.username])
                guesses.append(any(tag in tags for tags in last_five[post.username][-5:]))
        earlier[post.username].update(post.habit_hashtags)
        last_five[post.username].append(post.habit_hashtags)
    assert mean(hits) > 0.9
    assert mean(guesses) > 0.85
    assert mean(len(users) for users in users_of.values()) / USERS < 0.08


def test_some_habits_change(posts):
    halves = defaultdict(lambda: (set(), set()))
    for post in posts:
        halves[post.username][post.number >= POSTS // 2].update(post.habit_hashtags)
    changed = [early != late for early, late in halves.values() if early and late]
    assert 0.25 <= mean(changed) <= 0.75


def test_late_hashtags_are_unseen_in_the_first_four_fifths_and_repeat_after(posts):
    late = [(post.number, post.username, tag) for post in posts for tag in post.habit_hashtags if tag in LATE_HASHTAGS]
    assert min(number for number, _, _ in late) >= 0.8 * POSTS
    assert sum(number >= 0.9 * POSTS for number, _, _ in late) >= 10
    repeats = Counter((username, tag) for _, username, tag in late)
    assert max(repeats.values()) >= 4


def test_captions_name_an_event_only_while_it_goes_on(posts):
    event_of = {event.name: event for event in EVENTS}
    for post in posts:
        named = {name for name in event_of if name in post.text}
        assert named == ({post.event} if post.event else set()), post.text
        assert set(post.event_hashtags) <= set(event_of[post.event].hashtags if post.event else ())
        assert post.event is None or event_of[post.event].is_on_at(post.number / POSTS)
    captioned = [post for post in posts if post.caption_kind != "absent"]
    assert mean(post.event is not None for post in captioned) == pytest.approx(0.4, abs=0.04)
    assert mean(len(post.event_hashtags) for post in posts) == pytest.approx(0.6, abs=0.1)


def test_hashtags_of_events_are_told_by_what_others_posted_and_seldom_by_the_own_posts(posts):
    seen, own, told, told_by_author = set(), defaultdict(set), [], []
    for post in posts:
        if post.number >= 0.9 * POSTS:
            told += [tag in seen for tag in post.event_hashtags]
            told_by_author += [tag in own[post.username] for tag in post.event_hashtags]
        seen.update(post.event_hashtags)
        own[post.username].update(post.event_hashtags)
    assert len(told) >= 80
    assert mean(told) > 0.9
    assert mean(told_by_author) < 0.4


def test_hashtags_of_the_last_events_are_unknown_to_the_first_four_fifths(posts):
    early = {tag for post in posts if post.number < 0.8 * POSTS for tag in post.event_hashtags}
    late = {tag for post in posts if post.number >= 0.9 * POSTS for tag in post.event_hashtags}
    assert early.isdisjoint(late)


def test_captions_are_written_in_many_scripts_and_spellings(posts):
    captions = "\n".join(post.caption for post in posts)
    for script in ("Latin", "Cyrillic", "Devanagari", "Arabic", "Han", "Hiragana"):
        assert regex.search(rf"\p{{{script}}}", captions), script
    surfaces = extract(captions)
    assert any(surface != normalise(surface) for surface in surfaces)
    assert "＃" in captions
    assert regex.search(r"#[\p{L}\p{N}]+#", captions)
    inline = [post for post in posts if regex.search(r"#\S+ [^#＃]{12,}", post.caption)]
    assert 0.02 < len(inline) / POSTS < 0.3


def test_few_captions_are_said_twice(posts):
    long = [post.text for post in posts if post.caption_kind == "long"]
    assert len(set(long)) / len(long) > 0.98
