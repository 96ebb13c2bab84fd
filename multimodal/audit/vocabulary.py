"""Do vocabulary, priors and answers know of hashtags that nobody could know of yet?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from data_loaders.posts import Post
from data_loaders.prepare.splits import SPLITS
from data_loaders.text.captions import clean_caption
from data_loaders.text.hashtags import normalise
from multimodal.audit.context import AuditContext
from multimodal.audit.finding import Finding, Number, shown
from multimodal.encoders.captions.words import split_words

# As many as a System may write as one, see `spans` of sa_lstm.
_WORDS_IN_A_HASHTAG = 5


def vocabulary_free_of_test(context: AuditContext) -> Finding:
    """Count the train split anew: vocabulary and priors hold its hashtags, with its frequencies, and no others."""
    counted = Counter(tag for post in context.data.split("train") for tag in set(post.hashtags))
    vocabulary = dict(zip(context.data.vocabulary.hashtags, context.data.vocabulary.frequencies, strict=True))
    id_map = context.system.id_map
    size = id_map.vocabulary_size
    own = dict(zip(id_map.names[:size], id_map.frequencies.tolist(), strict=True))
    absent = sorted(tag for tag in {**vocabulary, **own} if tag not in counted)
    differ = sorted({tag for known in (vocabulary, own) for tag in _miscounted(known, counted)})
    numbers: dict[str, Number] = {
        "vocabulary": len(vocabulary),
        "vocabulary_of_the_system": len(own),
        "absent_from_train": len(absent),
        "of_another_frequency": len(differ),
    }
    if not absent and not differ:
        return Finding(
            name="vocabulary_free_of_test",
            status="passed",
            measured=f"Counted anew, the train split holds all {len(vocabulary):,} hashtags of the vocabulary and of "
            "the System, each with the frequency given.",
            numbers=numbers,
        )
    return Finding(
        name="vocabulary_free_of_test",
        status="failed",
        measured=f"{len(absent):,} hashtags do not occur in train ({shown(absent) or 'none'}); {len(differ):,} occur "
        f"in another number of train posts than is said ({shown(differ) or 'none'}).",
        numbers=numbers,
        remedy="Make vocabulary, frequencies, idf weights and priors from the train split alone: prepare and train.",
    )


def _miscounted(known: Mapping[str, int], counted: Counter[str]) -> Iterable[str]:
    return (tag for tag, frequency in known.items() if tag in counted and counted[tag] != frequency)


def only_known_hashtags_named(context: AuditContext) -> Finding:
    """Look at each named hashtag: it is in the train vocabulary, among the caption's words, or was used earlier."""
    first_us: dict[str, int] = {}
    for split in SPLITS:
        for post in context.data.split(split):
            for tag in post.hashtags:
                first_us[tag] = min(first_us.get(tag, post.instant_us), post.instant_us)
    vocabulary = set(context.data.vocabulary.hashtags)
    unknown: list[str] = []
    named = outside = 0
    for row, (post, question) in enumerate(zip(context.posts, context.questions, strict=True)):
        for tag, _ in context.answers.of(row):
            named += 1
            if tag in vocabulary:
                continue
            outside += 1
            if first_us.get(tag, post.instant_us) >= post.instant_us and tag not in _words(question):
                unknown.append(tag)
    empty = _named_of_nothing(context)
    strangers = sorted(set(empty) - vocabulary)
    numbers: dict[str, Number] = {
        "named": named,
        "named_outside_the_vocabulary": outside,
        "named_before_anybody_used_them": len(unknown),
        "named_of_nothing_outside_the_vocabulary": len(strangers),
    }
    if not unknown and not strangers:
        return Finding(
            name="only_known_hashtags_named",
            status="passed",
            measured=f"Of {named:,} hashtags named, {outside:,} are outside the train vocabulary, and each of those "
            "was used earlier, or its post's caption holds it as words.",
            numbers=numbers,
        )
    return Finding(
        name="only_known_hashtags_named",
        status="failed",
        measured=f"{len(unknown):,} of {named:,} hashtags were named before anybody used them "
        f"({shown(unknown) or 'none'}); asked about an empty post with nothing remembered, "
        f"{len(strangers):,} are named that are not in the train vocabulary ({shown(strangers) or 'none'}).",
        numbers=numbers,
        remedy="The System knows hashtags from later posts, or from the evaluated split: fit it on train alone.",
    )


def _words(question: Post) -> set[str]:
    """Return the caption's words, and words in a row written as one, as hashtags would be written."""
    caption = question.caption or ""
    texts = [caption, *(clean_caption(caption, profile) for profile in ("plain", "tweet"))]
    lists = [texts[0].split(), *(split_words(text) for text in texts)]
    return {
        normalise("".join(words[start : start + count]))
        for words in lists
        for count in range(1, _WORDS_IN_A_HASHTAG + 1)
        for start in range(len(words))
    }


def _named_of_nothing(context: AuditContext) -> list[str]:
    nothing = Post(post_id="\0audit nothing", caption="", sequence=0)
    depth = max(context.k, 50)
    return [tag for tag, _ in context.system.rank([nothing], context.system.new_memory(), depth, [frozenset()]).of(0)]
