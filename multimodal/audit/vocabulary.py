"""Do vocabulary, priors and rankings hold hashtags that could not be known yet?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from data_loaders.posts import Post
from data_loaders.prepare.splits import SPLITS
from data_loaders.text.captions import clean_caption
from data_loaders.text.hashtags import normalise
from multimodal.audit.context import AuditContext
from multimodal.audit.finding import Finding, shown
from multimodal.encoders.captions.words import split_words

# The most words that a System may join to one hashtag; see `spans` of sa_lstm.
_WORDS_IN_A_HASHTAG = 5


def vocabulary_free_of_test(context: AuditContext) -> Finding:
    """Count the train split again: vocabulary and System must hold its hashtags and frequencies, and no others."""
    counted = Counter(tag for post in context.data.split("train") for tag in set(post.hashtags))
    vocabulary = dict(zip(context.data.vocabulary.hashtags, context.data.vocabulary.frequencies, strict=True))
    id_map = context.system.id_map
    size = id_map.vocabulary_size
    own = dict(zip(id_map.names[:size], id_map.frequencies.tolist(), strict=True))
    absent = sorted(tag for tag in {**vocabulary, **own} if tag not in counted)
    differ = sorted({tag for known in (vocabulary, own) for tag in _miscounted(known, counted)})
    return Finding.check(
        "vocabulary_free_of_test",
        bool(absent or differ),
        good=f"Counted again, the train split has all {len(vocabulary):,} hashtags of the vocabulary and of the "
        "System, with the same frequencies.",
        bad=f"{len(absent):,} hashtags do not occur in train ({shown(absent)}); {len(differ):,} have another frequency "
        f"in train than stated ({shown(differ)}).",
        remedy="Compute vocabulary, frequencies, idf weights and priors from the train split alone: prepare the dump "
        "and train again.",
        numbers={
            "vocabulary": len(vocabulary),
            "vocabulary_of_the_system": len(own),
            "absent_from_train": len(absent),
            "of_another_frequency": len(differ),
        },
    )


def _miscounted(known: Mapping[str, int], counted: Counter[str]) -> Iterable[str]:
    return (tag for tag, frequency in known.items() if tag in counted and counted[tag] != frequency)


def only_known_hashtags_named(context: AuditContext) -> Finding:
    """Check each recommended hashtag: it is in the train vocabulary, among the caption's words, or was used earlier."""
    first_us: dict[str, int] = {}
    for split in SPLITS:
        for post in context.data.split(split):
            for tag in post.hashtags:
                first_us[tag] = min(first_us.get(tag, post.instant_us), post.instant_us)
    vocabulary = set(context.data.vocabulary.hashtags)
    unknown: list[str] = []
    recommended = outside = 0
    for row, (post, query) in enumerate(zip(context.posts, context.queries, strict=True)):
        for tag, _ in context.rankings.of(row):
            recommended += 1
            if tag in vocabulary:
                continue
            outside += 1
            if first_us.get(tag, post.instant_us) >= post.instant_us and tag not in _words(query):
                unknown.append(tag)
    strangers = sorted(set(_recommended_for_nothing(context)) - vocabulary)
    return Finding.check(
        "only_known_hashtags_named",
        bool(unknown or strangers),
        good=f"{outside:,} of {recommended:,} recommended hashtags are outside the train vocabulary; each of them was "
        "used earlier or is in its post's caption.",
        bad=f"{len(unknown):,} of {recommended:,} recommended hashtags had not been used by anyone yet "
        f"({shown(unknown)}); for an empty post and an empty memory, {len(strangers):,} are recommended that are not "
        f"in the train vocabulary ({shown(strangers)}).",
        remedy="The System knows hashtags from later posts, or from the evaluated split: fit it on train alone.",
        numbers={
            "named": recommended,
            "named_outside_the_vocabulary": outside,
            "named_before_anybody_used_them": len(unknown),
            "named_of_nothing_outside_the_vocabulary": len(strangers),
        },
    )


def _words(query: Post) -> set[str]:
    """Return the caption's words, and up to five adjacent words joined, normalised as hashtags."""
    caption = query.caption or ""
    texts = [caption, *(clean_caption(caption, profile) for profile in ("plain", "tweet"))]
    lists = [texts[0].split(), *(split_words(text) for text in texts)]
    return {
        normalise("".join(words[start : start + count]))
        for words in lists
        for count in range(1, _WORDS_IN_A_HASHTAG + 1)
        for start in range(len(words))
    }


def _recommended_for_nothing(context: AuditContext) -> list[str]:
    nothing = Post(post_id="\0audit nothing", caption="", sequence=0)
    depth = max(context.k, 50)
    return [tag for tag, _ in context.system.rank([nothing], context.system.new_memory(), depth, [frozenset()]).of(0)]
