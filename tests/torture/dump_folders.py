"""Hostile folders of Instaloader and archives of Twitter."""

from __future__ import annotations

import json
import lzma
import random
from pathlib import Path

from dumps import Dump, beyond_json, encoded
from hostile_records import good_fields
from hostile_values import json_value


def instaloader(draw: random.Random, folder: Path) -> Dump:
    """A folder as Instaloader writes it, with hostile nodes, heads and companions."""
    dump = Dump(folder / "insta", 40, format=draw.choice((None, "instaloader")))
    dump.path.mkdir()
    for number in range(40):
        good = good_fields(number)
        node = {
            "shortcode": f'"{good["post_id"]}"',
            "owner": f'{{"id":"{good["user_id"]}"}}',
            "taken_at_timestamp": str(int(good["timestamp"].timestamp())),
            "edge_media_to_caption": f'{{"edges":[{{"node":{{"text":"{good["caption"]}"}}}}]}}',
            "__typename": '"GraphImage"',
        }
        head = '{"node_type":"Post"}'
        if draw.random() < 0.6 and number:
            for _ in range(draw.randrange(1, 4)):
                node[draw.choice(_NODE_KEYS)] = draw.choice((*_NODE_VALUES, json_value(draw)))
            head = draw.choice((head, head, head, *_HEADS))
        else:
            # The picture that the node speaks of, which is not there.
            expected = {**good, "hashtags": good["hashtags"][:1], "image": dump.path / f"{number:04d}.jpg"}
            dump.good[good["post_id"]] = expected
            dump.whole.add(good["post_id"])
        text = '{"node":{' + ",".join(f'"{key}":{value}' for key, value in node.items()) + f'}},"instaloader":{head}}}'
        _instaloader_files(draw, dump, number, encoded(text))
    return dump


_NODE_KEYS = (
    *(
        "shortcode",
        "id",
        "owner",
        "taken_at_timestamp",
        "date",
        "edge_media_to_caption",
        "caption",
        "__typename",
        "is_video",
    ),
    *("edge_sidecar_to_children", "media_type", "iphone_struct", "carousel_media", "user", "pk", "code"),
)
_NODE_VALUES = (
    *('{"id":{}}', '{"edges":{}}', '{"edges":[null,5,{"node":{"is_video":true}}]}', '{"edges":[[]]}', "2", "8"),
    *('"GraphVideo"', '"GraphSidecar"', '"XDTGraphVideo"', '"GraphImage"', '{"text":5}', '{"text":"#a"}'),
)
_HEADS = (
    *(
        "{}",
        "null",
        '{"node_type":{"a":1}}',
        '{"node_type":"\\ud800"}',
        '{"node_type":"Profile"}',
        '{"node_type":["x"]}',
    ),
    *('{"node_type":"' + "z" * 100_000 + '"}', '{"node_type":"[red]x[/red]"}', "[]", "5"),
)


def _instaloader_files(draw: random.Random, dump: Dump, number: int, data: bytes) -> None:
    post_id, stem = f"p{number}", f"{number:04d}"
    if draw.random() < 0.08 and number:
        data = draw.choice((data[: draw.randrange(len(data))], b"", b"[" * 100_000, b"\xff\xfe" + data, b"null"))
        dump.good.pop(post_id, None)
        dump.whole.discard(post_id)
    if draw.random() < 0.1:
        packed = lzma.compress(data, preset=0)
        if draw.random() < 0.3:
            packed = packed[:40]
            dump.good.pop(post_id, None)
            dump.whole.discard(post_id)
        (dump.path / f"{stem}.json.xz").write_bytes(packed)
    else:
        (dump.path / f"{stem}.json").write_bytes(data)
    if draw.random() < 0.2:
        dump.good.get(post_id, {}).pop("hashtags", None)  # those of the owner's comment may count
        comments = f'[{{"text":"#own","owner":{{"id":"u{number % 9}"}},"created_at":{json_value(draw, "timestamp")}}}]'
        comments = draw.choice((comments, "{}", "[null]", "[[]]", "x", '[{"text":5}]'))
        (dump.path / f"{stem}_comments.json").write_bytes(encoded(comments))


def twitter_archive(draw: random.Random, folder: Path) -> Dump:
    """An archive of Twitter with hostile tweets, owner and long posts."""
    data = folder / "archive" / "data"
    data.mkdir(parents=True)
    dump, tweets = Dump(folder / "archive", 40, format=draw.choice((None, "twitter_archive"))), []
    for number in range(40):
        good = good_fields(number)
        tweet = {
            "id_str": f'"{good["post_id"]}"',
            "created_at": json.dumps(f"{good['timestamp']:%a %b %d %H:%M:%S +0000 %Y}"),
            "full_text": f'"{good["caption"]}"',
            "entities": f'{{"hashtags":[{{"text":"{good["hashtags"][0]}"}}]}}',
        }
        hostile = draw.random() < 0.6
        for _ in range(draw.randrange(1, 4) * hostile):
            tweet[draw.choice(_TWEET_KEYS)] = draw.choice((*_TWEET_VALUES, json_value(draw)))
        if not hostile:
            known = ("post_id", "timestamp", "caption", "image")
            dump.good[good["post_id"]] = {**{name: good[name] for name in known}, "hashtags": good["hashtags"][:1]}
            dump.whole.add(good["post_id"])
        body = "{" + ",".join(f'"{key}":{value}' for key, value in tweet.items()) + "}"
        odd = draw.choice((body, f'{{"tweet":{json_value(draw)}}}', json_value(draw)))
        tweets.append(odd if hostile and draw.random() < 0.2 else f'{{"tweet":{body}}}')
    text = ",".join(tweets)
    (data / "tweets.js").write_bytes(encoded(f"window.YTD.tweets.part0 = [{text}]"))
    (data / "account.js").write_bytes(encoded(draw.choice(_ACCOUNTS)))
    long_posts = draw.choice(_LONG_POSTS)
    dump.may_be_refused = long_posts[:4] != "x = [" or beyond_json(text)
    (data / "note-tweet.js").write_bytes(encoded(long_posts))
    return dump


_TWEET_KEYS = (
    *("id_str", "id", "created_at", "full_text", "text", "entities", "extended_entities", "user", "retweeted_status"),
    *("favorite_count", "truncated", "in_reply_to_status_id", "display_text_range"),
)
_TWEET_VALUES = (
    *(
        '{"hashtags":[5,null,{"text":5},{}]}',
        '{"media":{}}',
        '{"id_str":{}}',
        '{"hashtags":{"text":"a"}}',
        '{"urls":[5,{"url":5}]}',
    ),
    *(
        '{"media":[{"media_url":5},null,{"type":[],"media_url_https":"https://x/../../etc/passwd"}]}',
        '"[0,5]"',
        "[0,1e9]",
    ),
)
_ACCOUNTS = (
    *(
        'window.YTD.account.part0 = [{"account":{"accountId":"7"}}]',
        "x = []",
        "x = [null]",
        'x = {"account":[]}',
        "junk",
        "",
    ),
    *(
        'x = [{"account":{"accountId":{}}}]',
        "x = " + "[" * 100_000,
        'x = [{"account":{"accountId":true,"username":"\\ud800"}}]',
    ),
)
_LONG_POSTS = (
    *("x = []", 'x = [null, {"noteTweet":5}, {"noteTweet":{"core":{"text":5},"createdAt":5}}]', "junk", "x = {}", ""),
    'x = [{"noteTweet":{"core":{"text":"w1 long"},"createdAt":"\\ud800"}}]',
)
