"""Turkish captions."""

from __future__ import annotations

from data_loaders.sample.languages.base import Language, lines, word_table

TURKISH = Language(
    code="tr",
    script="latin",
    share=0.03,
    words=word_table(
        """
        running: koşu | maraton
        yoga: yoga | esneme hareketleri
        football: futbol | penaltı
        dance: dans | bale
        music: müzik | gitarım
        film: sinema | yeni bir film
        reading: kitap okumak | roman
        chess: satranç | şah mat
        exam: sınavlar | ders çalışmak
        office: ofis | toplantılar
        shopping: alışveriş | indirimler
        travel: seyahat | havaalanı
        birthday: doğum günü | mumlar
        wedding: düğün | gelin
        family: aile | babaannem
        baking: kurabiye | ekşi maya
        """
    ),
    about=lines(
        """
        Bugün gündem tek: {word}.
        Yine {word}.
        Aklımda hep {word}.
        Haftanın konusu: {word}.
        """
    ),
    fillers=lines(
        """
        Herkese güzel bir hafta dilerim.
        Bazı günler böyle işte.
        Söyleyecek başka bir şey yok.
        Güzel mesajlarınız için teşekkürler!
        Biraz sürdü ama buradayız.
        Yorumlarda bana yazın.
        Adım adım, acele etmeden.
        Gerisini yarın anlatırım.
        Plan yok, keyif çok.
        """
    ),
    shorts=lines(
        """
        Sonunda!
        Keyifler yerinde
        Yine
        Sözün bittiği yer
        """
    ),
)
