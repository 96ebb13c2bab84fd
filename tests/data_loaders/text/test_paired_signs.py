import pytest

from data_loaders.text.captions import clean_caption
from data_loaders.text.hashtags import extract, remove_hashtags
from data_loaders.text.paired_signs import find_topics, remove_topics


@pytest.mark.parametrize(
    "text, topics, left",
    [
        ("#话题#正文", ["话题"], "正文"),
        ("#旅行#今天天气很好，我们去了海边。", ["旅行"], "今天天气很好，我们去了海边。"),
        ("#OOTD#今天穿什么", ["OOTD"], "今天穿什么"),
        ("今天#话题#很好", ["话题"], "今天 很好"),
        ("很好。#话题#我去了，真好", ["话题"], "很好。 我去了，真好"),
        ("正文 #iPhone 15 发布#", ["iPhone 15 发布"], "正文"),
        ("#电影《你好，李焕英》# 好看", ["电影《你好，李焕英》"], "好看"),
        ("#春天[话题]# #旅行[话题]# 出门", ["春天", "旅行"], "出门"),
        ("#话题一##话题二#正文", ["话题一", "话题二"], "正文"),
        ("＃话题＃ http://t.example/#a", ["话题"], "http://t.example/#a"),
        ("#a 今天#话题#很好", ["a", "话题"], "今天 很好"),
    ],
)
def test_topics_stand_between_two_signs(text, topics, left):
    assert extract(text) == topics
    assert remove_hashtags(text) == left
    assert extract(clean_caption(text)) == []


@pytest.mark.parametrize(
    "text, hashtags",
    [
        ("#a#b", ["a", "b"]),
        ("今天 #台北 #台灣", ["台北", "台灣"]),
        ("今天很好 #台北#台灣", ["台北", "台灣"]),
        ("#台北#台灣#旅行", ["台北", "台灣", "旅行"]),
        ("#台北#台灣#旅行#美食", ["台北", "台灣", "旅行", "美食"]),
        ("#海#夏です", ["海", "夏です"]),
        ("#東京# です", ["東京"]),
        ("我喜欢 #编程 和C#", ["编程"]),
        ("学C#和F#语言", []),
        ("我第#1名，你第#2名", []),
        ("#标签 文字 #标签二", ["标签", "标签二"]),
        ("#话题#正文 #标签", ["话题", "正文", "标签"]),
        ("今天#️⃣很#️⃣好", []),
        ("&#39;你好&#39; #海", ["海"]),
    ],
)
def test_other_signs_are_no_pairs(text, hashtags):
    assert find_topics(text) == []
    assert remove_topics(text) == text
    assert extract(text) == hashtags
