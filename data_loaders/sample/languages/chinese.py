"""Chinese captions."""

from __future__ import annotations

from data_loaders.sample.languages.base import Language, lines, word_table

CHINESE = Language(
    code="zh",
    script="han",
    share=0.02,
    words=word_table(
        """
        running: 跑步 | 马拉松
        yoga: 瑜伽 | 拉伸
        football: 足球 | 点球
        dance: 跳舞 | 芭蕾
        music: 音乐 | 演唱会
        film: 电影 | 爆米花
        reading: 读书 | 小说
        chess: 国际象棋 | 将军
        exam: 考试 | 复习
        office: 办公室 | 开会
        shopping: 购物 | 打折
        travel: 旅行 | 机场
        birthday: 生日 | 蜡烛
        wedding: 婚礼 | 新娘
        family: 家人 | 奶奶
        baking: 烘焙 | 饼干
        """
    ),
    about=lines(
        """
        今天又是{word}的一天。
        满脑子都是{word}。
        这周的主题：{word}。
        聊了好久的{word}。
        """
    ),
    fillers=lines(
        """
        祝大家一周愉快。
        有些日子就是这样。
        没什么别的好说。
        谢谢大家的留言！
        虽然晚了点，但终于来了。
        评论里告诉我你的想法。
        慢慢来，不着急。
        明天再说剩下的。
        没有计划，只有好心情。
        """
    ),
    shorts=lines(
        """
        终于！
        好心情
        又来了
        无话可说
        """
    ),
    space="",
)
