"""Posts of any order of time, everything that a memory answers about them, and the same in slow loops."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

import numpy as np
from hypothesis import strategies as st
from scipy import sparse

from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.mentions import mention_slots
from multimodal.memory.questions.word_hashtags import RULES
from multimodal.memory.search.dense.settings import DenseSettings
from multimodal.memory.search.index import NeighbourIndex
from multimodal.memory.search.likeness import Likeness
from multimodal.memory.search.settings import IndexSettings

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
HOUR_US = 3_600_000_000
HALF_LIFE = 5 * HOUR
SLOTS, WIDTH, K, LAST, DECAY = 8, 4, 4, 3, 0.3
TAGS = ("a", "b", "c", "d", "e", "new")
USERS = ("ann", "bob", None)
NAMES = ("cem", "dee")
LANGUAGES = ("en", "de", None)
LIKENESSES = {
    "words": Likeness(),
    "image": Likeness({"image": 1.0}),
    "mixed": Likeness({"words": 0.5, "image": 0.5}, power=4, decay=DECAY),
}


@dataclass(frozen=True)
class Made:
    """A post, and what a System makes of it."""

    number: int
    hour: int
    user: str | None
    hashtags: tuple[str, ...]
    language: str | None
    seed: int

    @property
    def post(self):
        when, caption = EPOCH + self.hour * HOUR, " ".join(f"@{name}" for name in self.names)
        values = {"user_id": self.user, "hashtags": self.hashtags, "timestamp": when, "caption": caption}
        return Post(post_id=f"p{self.number}", **values)

    @property
    def names(self):
        """Whom the caption addresses."""
        return [name for place, name in enumerate(NAMES) if self.seed >> place & 1]

    @property
    def words(self):
        """(SLOTS,) of length 1 or 0."""
        draw = np.random.default_rng(self.seed)
        row = draw.integers(0, 4, SLOTS) * (draw.random(SLOTS) < 0.4)
        return (row / (np.linalg.norm(row) or 1)).astype(np.float32)

    @property
    def image(self):
        draw = np.random.default_rng(self.seed + 1)
        return draw.normal(size=WIDTH).astype(np.float32) * (draw.random() < 0.9)


def made(number, values):
    hour, user, hashtags, language, seed = values
    return Made(number, hour, user, tuple(dict.fromkeys(hashtags)), language, seed)


one_post = st.tuples(
    st.integers(0, 30),
    st.sampled_from(USERS),
    st.lists(st.sampled_from(TAGS), max_size=4),
    st.sampled_from(LANGUAGES),
    st.integers(0, 12),
)
streams = st.lists(one_post, max_size=45).map(lambda rows: [made(number, row) for number, row in enumerate(rows)])


def tiny(kind="flat", **changes):
    """Spans of a few posts, indices that find a few of them: answers are far from exact."""
    sizes = {"exact_posts": 1, "slice_posts": 4, "champions": 3, "postings": 6, "word_candidates": 5, "candidates": 3}
    return IndexSettings(**{**sizes, **changes}, dense=DenseSettings(kind=kind, flat_up_to=2))


def empty(settings=None):
    kept = {"detect_languages": True, "keep_mentions": True}
    memory = PostMemory(HashtagIdMap(TAGS[:-1]), slots=SLOTS, spaces={"image": WIDTH}, **kept)
    if settings is not None:
        memory.search_with(NeighbourIndex(memory, settings))
    return memory


def append(memory, posts):
    if posts:
        words = sparse.csr_matrix(np.array([one.words for one in posts]))
        image = np.array([one.image for one in posts])
        memory.append([one.post for one in posts], None, words, {"image": image}, [one.language for one in posts])
    return memory


@dataclass(frozen=True)
class Asked:
    """Questions about some hours."""

    hours: tuple[int, ...]
    seed: int = 0

    @property
    def posts(self):
        users, first = (*USERS, "nobody"), self.seed
        return [
            Made(-1, hour, users[(first + row) % 4], TAGS[(first + row) % 5 :][:2], None, first + row)
            for row, hour in enumerate(self.hours)
        ]

    def one(self, row):
        return replace(self, hours=(self.hours[row],), seed=self.seed + row)


def answers(memory, asked):
    """Everything that a memory answers, by name: for each question what it found, by texts and bits."""
    posts, questions, name = asked.posts, memory.questions, memory.id_map.__getitem__
    instants = np.array([one.hour * HOUR_US for one in posts], np.int64)
    users, words = [one.user for one in posts], sparse.csr_matrix(np.array([one.words for one in posts]))
    vectors, names = (
        {"image": np.array([one.image for one in posts])},
        mention_slots([one.post.caption for one in posts]),
    )
    numbers = {tag: memory.id_map.find(tag) for tag in TAGS}
    given = np.array([[-1 if numbers[tag] is None else numbers[tag] for tag in one.hashtags] for one in posts])
    every = np.tile(np.arange(len(TAGS) - 1), (len(posts), 1))

    def ids(rows):
        return [[memory.post_ids[position] for position in row if position >= 0] for row in rows.tolist()]

    def found(related):
        pairs = zip(ids(related.positions), related.similarity.tolist(), strict=True)
        return [[*zip(row, values, strict=False)] for row, values in pairs]

    def top(language):
        leading = questions.trends(instants, HALF_LIFE, language=language, count=K)
        pairs = zip(leading.hashtags.tolist(), leading.values.tolist(), strict=True)
        return [[(name(tag), value) for tag, value in zip(*row, strict=True) if tag >= 0] for row in pairs]

    def uses(values):
        rows = [[] for _ in posts]
        for row, tag, columns in zip(
            values.rows.tolist(), values.hashtags.tolist(), values.values.tolist(), strict=True
        ):
            rows[row].append((name(tag), *columns))
        return [sorted(row) for row in rows]

    result = {
        "history": ids(memory.history(users, instants, K)),
        "trends": top(None),
        "trends de": top("de"),
        "trend_values": questions.trend_values(every, instants, HALF_LIFE).tolist(),
        "trend_values de": questions.trend_values(every, instants, HALF_LIFE, language="de").tolist(),
        "cooccurrence": uses(questions.cooccurrence(given, instants, last=LAST, decay=DECAY)),
        "own_hashtags": uses(questions.own_hashtags(users, instants, last=LAST, decay=DECAY)),
        "word_hashtags": uses(questions.word_hashtags(words, instants, last=LAST, rules=RULES)),
        "mention_hashtags": uses(questions.mention_hashtags(names, instants, last=LAST, rules=RULES)),
        "mention_hashtags own": uses(
            questions.mention_hashtags(names, instants, user_ids=users, last=LAST, rules=RULES)
        ),
    }
    for space, likeness in LIKENESSES.items():
        content = words, vectors, instants, K, likeness
        result[f"neighbours {space}"] = found(memory.neighbours(*content))
        result[f"neighbours {space} de"] = found(memory.neighbours(*content, language="de"))
        result[f"own_neighbours {space}"] = found(memory.own_neighbours(users, *content, last=LAST))
    return result


def is_exact(name):
    """Return whether a question is answered exactly, whatever indices there are."""
    return not name.startswith("neighbours")


# -- the same in slow loops --------------------------------------------------------------------------------------


def slow_answers(posts, asked):
    """Answer by definition, from posts in the order of their positions."""
    rows = [_slow_answer(posts, one) for one in asked.posts]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _slow_answer(posts, asked):
    newest = [post for _, _, post in sorted(((p.hour, at, p) for at, p in enumerate(posts)), reverse=True, key=_place)]
    earlier = [post for post in newest if post.hour < asked.hour]
    german = [post for post in earlier if post.language == "de"]
    own = [post for post in earlier if post.user == asked.user and asked.user is not None]
    with_given = [post for tag in asked.hashtags for post in [p for p in earlier if tag in p.hashtags][:LAST]]
    together = _slow_uses(with_given, asked.hour)
    result = {
        "history": [post.post.post_id for post in own[:K]],
        "trend_values": _slow_trends(earlier, asked.hour),
        "trend_values de": _slow_trends(german, asked.hour),
        "cooccurrence": [use for use in together if use[0] not in asked.hashtags],
        "own_hashtags": _slow_uses(own[:LAST], asked.hour),
        "word_hashtags": _slow_words(earlier, _with_words(earlier, asked)),
        "mention_hashtags": _slow_words(earlier, _with_names(earlier, asked)),
        "mention_hashtags own": _slow_words(earlier, _with_names(own, asked)),
    }
    for space, likeness in LIKENESSES.items():
        result[f"neighbours {space}"] = _slow_neighbours(earlier, asked, likeness)
        result[f"neighbours {space} de"] = _slow_neighbours(german, asked, likeness)
        result[f"own_neighbours {space}"] = _slow_neighbours(own[:LAST], asked, likeness)
    return result


def _place(entry):
    return entry[:2]


def _slow_trends(posts, hour):
    return [sum(2 ** -((hour - p.hour) * HOUR / HALF_LIFE) for p in posts if tag in p.hashtags) for tag in TAGS[:-1]]


def _slow_uses(posts, hour):
    weights = [(hour - post.hour + 1) ** -DECAY for post in posts]
    uses = []
    for tag in sorted({tag for post in posts for tag in post.hashtags}):
        having = [rank for rank, post in enumerate(posts) if tag in post.hashtags]
        count = sum(weights[rank] for rank in having)
        uses.append((tag, count / sum(weights), count, float(having[0])))
    return uses


def _with_words(posts, asked):
    return [[p for p in posts if p.words[slot]][:LAST] for slot in np.flatnonzero(asked.words)]


def _with_names(posts, asked):
    return [[p for p in posts if name in p.names][:LAST] for name in asked.names]


def _slow_words(earlier, of_word):
    values = []
    for tag in sorted({tag for posts in of_word for post in posts for tag in post.hashtags}):
        share = sum(tag in post.hashtags for post in earlier) / len(earlier)
        counts = [(sum(tag in post.hashtags for post in posts), len(posts)) for posts in of_word]
        chances = [(with_tag + 2 * share) / (seen + 2) for with_tag, seen in counts]
        missed = [1 - chance for chance, (n, seen) in zip(chances, counts, strict=True) if n and seen >= 2]
        lift = sum(math.log(chance / share) for chance in chances)
        values.append((tag, max(chances), sum(chances) / len(chances), 1 - math.prod(missed), lift))
    return values


def _slow_neighbours(posts, asked, likeness):
    found = []
    for order, post in enumerate(posts):
        total = 0.0
        for space, weight in likeness.weights.items():
            one, other = (getattr(side, space).astype(float) for side in (asked, post))
            one, other = (side / (np.linalg.norm(side) or 1) for side in (one, other))
            total += weight * max(float(one @ other), 0)
        total = round(total, 5)
        value = total**likeness.power * (asked.hour - post.hour + 1) ** -likeness.decay
        if value > 0:
            found.append((-value, order, post.post.post_id, total))
    return [(post_id, total) for _, _, post_id, total in sorted(found)[:K]]
