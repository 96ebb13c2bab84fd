r"""Regular expressions for the tokens that are removed from captions, shared by `hashtags` and `captions`.

Every pattern runs in linear time: repeats are possessive and start only at a boundary. `\G` (the end of the previous
token) lets a token follow another directly, as in `#a#b` or `@user#tag`. A token includes the combining marks after
it, so that searching the remaining text again finds nothing new. No token contains white space.
"""

from __future__ import annotations

import re

import regex

# Characters of hashtags as in twitter-text's hashtagSpecialChars: geresh, gershayim, iteration mark, sound marks and
# tsheg belong to a word; the others join two: the zero-width joiners of Persian and Indic scripts, Catalan's and
# Katakana's middle dots (il·lusió, スター・ウォーズ), wave dashes, maqaf, payerok and Katakana's double hyphen.
_SIGNS_IN_WORDS = r"\u05f3\u05f4\u3003\u309b\u309c\u0f0b\u0f0c"
_WORDS = rf"\p{{L}}\p{{M}}\p{{N}}_{_SIGNS_IN_WORDS}"
_JOINERS = r"\u200c\u200d\u00b7\u30fb\u301c\uff5e\u05be\ua67e\u30a0"
TAG_WORD = rf"[{_SIGNS_IN_WORDS}{_JOINERS}]*+[\p{{L}}\p{{N}}_][{_WORDS}]*+(?:[{_JOINERS}]++[{_WORDS}]++)*+"
_HOLDS_A_LETTER = rf"(?=(?:(?!\p{{L}})[{_WORDS}{_JOINERS}])*+\p{{L}})"
ENTITY = r"&(?:amp;)*+\#(?:x[0-9a-f]++|[0-9]++);"
# An enclosing mark closes a keycap emoji, so a hashtag may follow it; "&#x27;" and "&amp;#x27;" are HTML entities.
_TAG_BOUNDARY = r"(?:\G|(?<![\p{L}\p{N}_&][\p{Mn}\p{Mc}]*))(?!(?<=&(?:amp;)+)\#x[0-9a-f]++;)"
_TAG = rf"{_TAG_BOUNDARY}[#＃](?!(?:https?|ftp)://){_HOLDS_A_LETTER}(?P<tag>{TAG_WORD})"

# Addresses hold letters of any script. Writing without spaces often goes on right behind an address, so its letters
# belong to one only behind a delimiter: t.co/abc日本 ends at c, example.org/日本/#歴史 does not.
_SPACELESS = r"\p{Han}\p{Hiragana}\p{Katakana}\u30fc\p{Hangul}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_SPACED = rf"(?![{_SPACELESS}])[\p{{L}}\p{{M}}\p{{N}}]"
_HOST_CHARACTER = rf"(?:[A-Za-z0-9\-._~:@\[\]%]++|{_SPACED}|(?<=[{_SPACELESS}./@\-])[{_SPACELESS}])"
_URL_CHARACTER = (
    r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]++"
    rf"|{_SPACED}|(?<=[{_SPACELESS}\u30fb/=\-_#?&+(~:])[{_SPACELESS}]"
    rf"|(?<=\p{{L}})\u00b7(?=\p{{L}})|(?<=[{_SPACELESS}])\u30fb(?=[{_SPACELESS}]))"
)
_HOST_BOUNDARY = rf"(?:\G|(?<![\w.\-])|(?<=[{_SPACELESS}])(?=[A-Za-z0-9]))"
_LABEL = rf"(?:{_SPACED}(?:\-|{_SPACED})*+|[{_SPACELESS}][{_SPACELESS}0-9\-]*+)"
_TOP_LEVEL = (
    r"(?:xn--[a-z0-9\-]{2,59}+|[a-z]{2,24}+"
    r"|рф|рус|москва|дети|онлайн|сайт|орг|ком|укр|бел|срб|мкд|мон|қаз|бг|ею|ελ|ευ|հայ|გე|ישראל"
    r"|中国|中國|公司|网络|网址|香港|台湾|台灣|新加坡|みんな|한국|닷컴|भारत|ไทย|امارات|ایران|السعودية|مصر)"
)
URL = (
    rf"(?:(?:https?|ftp)://|{_HOST_BOUNDARY}www\.)(?:{_HOST_CHARACTER}|{_URL_CHARACTER}){_HOST_CHARACTER}*+"
    rf"{_URL_CHARACTER}*+"
    rf"|{_HOST_BOUNDARY}(?:{_LABEL}\.)++{_TOP_LEVEL}(?::[0-9]{{1,5}}+)?+/{_URL_CHARACTER}*+"
)
_HOST = r"[a-z0-9\-]++(?:\.[a-z0-9\-]++)++"
_EMAIL = rf"(?:\G|(?<![\w.+\-]))[\w.+\-]++@{_HOST}"
_MENTION = rf"(?:\G|(?<![A-Za-z0-9_]))[@＠](?P<mention>[A-Za-z0-9_]++(?:\.[A-Za-z0-9_]++)*+(?:@{_HOST})?+)"

HASHTAG_OR_URL = regex.compile(rf"{URL}|{_TAG}", regex.IGNORECASE)
TOKEN = regex.compile(rf"(?:{URL}|{_EMAIL}|{_MENTION}|{_TAG})\p{{M}}*+", regex.IGNORECASE)

# A run without white space is searched for tokens only if it contains one of these.
RUN = re.compile(r"\S+")
MAY_HOLD_TOKEN = re.compile(r"[#＃@＠/]|www\.", re.IGNORECASE)
MAY_HOLD_MENTION = re.compile(r"[@＠]")
MAY_HOLD_HASHTAG = re.compile(r"[#＃]")
SIGNED_RUN = re.compile(r"(?<!\S)[^\s#＃]*[#＃]\S*")
