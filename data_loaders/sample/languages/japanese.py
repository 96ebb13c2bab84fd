"""Japanese captions."""

from __future__ import annotations

from data_loaders.sample.languages.base import Language, lines, word_table

JAPANESE = Language(
    code="ja",
    script="kana",
    share=0.03,
    words=word_table(
        """
        running: ランニング | マラソン
        yoga: ヨガ | ストレッチ
        football: サッカー | シュート
        dance: ダンス | バレエ
        music: 音楽 | ライブ
        film: 映画 | ポップコーン
        reading: 読書 | 小説
        chess: チェス | チェックメイト
        exam: 試験 | 勉強
        office: 会社 | 会議
        shopping: 買い物 | 新しい靴
        travel: 旅行 | 空港
        birthday: 誕生日 | ろうそく
        wedding: 結婚式 | 花嫁
        family: 家族 | おばあちゃん
        baking: お菓子作り | クッキー
        """
    ),
    about=lines(
        """
        今日も{word}の一日でした。
        頭の中は{word}だけ。
        今週のテーマは{word}。
        また{word}。
        """
    ),
    fillers=lines(
        """
        みなさん、よい一週間を。
        こんな日もあるよね。
        ほかに言うことはないです。
        メッセージありがとう！
        遅くなったけど、やっと来ました。
        コメントで教えてください。
        ゆっくり、あせらずに。
        続きはまた明日。
        予定はないけど気分は最高。
        """
    ),
    shorts=lines(
        """
        やっと！
        いい気分
        またまた
        言葉にならない
        """
    ),
    space="",
)
