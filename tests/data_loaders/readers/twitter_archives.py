"""Twitter archives made by hand, in every layout that Twitter has used."""

import json
import zipfile

ACCOUNT = {"account": {"email": "ann@example.org", "createdVia": "web", "username": "ann", "accountId": "1000"}}


def tweet(tweet_id="101", text="Low tide #beach &amp; dusk", created_at="Wed Oct 10 20:19:24 +0000 2018", **fields):
    """Return a tweet as archives since 2018 write it: all numbers are text."""
    return {
        "id_str": tweet_id,
        "id": tweet_id,
        "full_text": text,
        "created_at": created_at,
        "source": '<a href="http://twitter.com">Twitter Web App</a>',
        "retweeted": False,
        "truncated": False,
        "display_text_range": ["0", str(len(text))],
        "favorite_count": "3",
        "lang": "en",
        "entities": {"hashtags": [], "symbols": [], "user_mentions": [], "urls": []},
        **fields,
    }


def month_tweet(tweet_id=29, text="My time is 6:01 #run", created_at="2013-01-10 20:19:24 +0000", **fields):
    """Return a tweet as archives by month write it."""
    return {
        "source": "web",
        "entities": {"user_mentions": [], "media": [], "hashtags": [], "urls": []},
        "geo": {},
        "id_str": str(tweet_id),
        "text": text,
        "id": tweet_id,
        "created_at": created_at,
        "user": {"name": "Ann", "screen_name": "ann", "id_str": "1000", "id": 1000},
        **fields,
    }


def photo(name, kind="photo"):
    address = f"://pbs.twimg.com/media/{name}"
    return {"type": kind, "media_url_https": "https" + address, "media_url": "http" + address, "url": "https://t.co/m"}


def with_media(*media, **fields):
    return tweet(extended_entities={"media": list(media)}, **fields)


def script(value, variable="window.YTD.tweets.part0"):
    """Return a file of an archive: one assignment, spread over lines as Twitter does."""
    return f"{variable} = {json.dumps(value, indent=2)}"


def wrapped(*tweets, part=0, kind="tweets"):
    return script([{"tweet": one} for one in tweets], f"window.YTD.{kind}.part{part}")


def month(*tweets, name="2013_01"):
    # The bracket is on a line of its own.
    return f"Grailbird.data.tweets_{name} =\n {json.dumps(list(tweets))}"


def account(value=ACCOUNT):
    return script([value], "window.YTD.account.part0")


def write(folder, files):
    """Write the files of an archive, path → text or bytes, and return the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return folder


def write_zip(path, files, outer=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(outer + name, content)
    return path
