"""The definitions once more, as slow loops over Python lists: what the fast paths are held against."""

import math
from types import SimpleNamespace

import numpy as np

from multimodal.ranking.rankings import Rankings


def make_rankings(lists, k=None, names=None):
    """Rankings from per-post lists of hashtags, with falling scores."""
    names = sorted({tag for tags in lists for tag in tags}) if names is None else list(names)
    index = {name: number for number, name in enumerate(names)}
    k = max((len(tags) for tags in lists), default=0) if k is None else k
    indices, scores = np.full((len(lists), k), -1, np.int64), np.full((len(lists), k), np.nan)
    for row, tags in enumerate(lists):
        for place, tag in enumerate(tags):
            indices[row, place], scores[row, place] = index[tag], 1.0 / (place + 1)
    return Rankings([f"post{row}" for row in range(len(lists))], indices, scores, names)


def make_vocabulary(frequencies):
    return SimpleNamespace(hashtags=tuple(frequencies), frequencies=tuple(frequencies.values()))


def mean(values):
    values = [value for value in values if not math.isnan(value)]
    return sum(values) / len(values) if values else math.nan


def slow_row(lists, truth, k, frequencies, seen, similarity=None, ap_norm="capped"):
    """One row of the table, by loops."""
    pairs = [(tags, set(true)) for tags, true in zip(lists, truth, strict=True) if true]
    per_post = [slow_post(tags, true, k, frequencies, seen, similarity, ap_norm) for tags, true in pairs]
    row = {name: mean([post[name] for post in per_post]) for name in per_post[0]}
    p, r = row["precision"], row["recall"]
    row["f1"] = 2 * p * r / (p + r) if p + r else 0.0
    row["f1_micro"], row["f1_macro_label"] = slow_label_wise(pairs, k)
    named = {tag for tags, _ in pairs for tag in tags[:k]}
    row["catalogue_coverage"] = len(named & set(frequencies)) / len(frequencies) if frequencies else math.nan
    true_tags = [tag for _, true in pairs for tag in true]
    row["coverage_of_truth"] = sum(tag in frequencies for tag in true_tags) / len(true_tags)
    row["posts"], row["posts_without_truth"] = len(pairs), len(truth) - len(pairs)
    row["k"] = k
    return row


def slow_post(tags, true, k, frequencies, seen, similarity, ap_norm):
    top = tags[:k]
    hits = [tag for tag in top if tag in true]
    p, r = len(hits) / k, len(hits) / len(true)
    known = {tag for tag in true if tag in frequencies}
    new = {tag for tag in true if tag not in seen and tag not in frequencies}
    gain = sum(1 / math.log2(rank + 1) for rank, tag in enumerate(top, 1) if tag in true)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(true), k) + 1))
    precisions = [len(set(top[:rank]) & true) / rank for rank, tag in enumerate(top, 1) if tag in true]
    total = max(sum(frequencies.values()), 1)
    bits = [-math.log2(max(frequencies.get(tag, 0), 1) / total) for tag in top]
    couples = [(a, b) for i, a in enumerate(top) for b in top[:i]]
    alike = [similarity(a, b) for a, b in couples] if similarity else []
    return {
        "hit_rate": float(bool(hits)),
        "precision": p,
        "recall": r,
        "f1_per_post": 2 * p * r / (p + r) if hits else 0.0,
        "recall_capped": len(hits) / min(len(true), k),
        "recall_known": len(set(hits) & known) / len(known) if known else math.nan,
        "new_hashtag_recall": len(set(hits) & new) / len(new) if new else math.nan,
        "ndcg": gain / ideal,
        "map": sum(precisions) / (min(len(true), k) if ap_norm == "capped" else len(true)),
        "mrr": next((1 / rank for rank, tag in enumerate(top, 1) if tag in true), 0.0),
        "novelty": sum(bits) / len(bits) if bits else math.nan,
        "redundancy": sum(alike) / len(alike) if alike else math.nan,
    }


def slow_label_wise(pairs, k):
    true_pairs = {(post, tag) for post, (_, true) in enumerate(pairs) for tag in true}
    named_pairs = {(post, tag) for post, (tags, _) in enumerate(pairs) for tag in tags[:k]}
    right = true_pairs & named_pairs
    micro = 2 * len(right) / (len(true_pairs) + len(named_pairs))
    values = []
    for label in {tag for _, tag in true_pairs}:
        counts = [sum(tag == label for _, tag in some) for some in (right, named_pairs, true_pairs)]
        values.append(2 * counts[0] / (counts[1] + counts[2]))
    return micro, sum(values) / len(values)
