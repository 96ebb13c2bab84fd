"""German captions."""

from __future__ import annotations

from data_loaders.sample.languages.base import Language, lines, word_table

GERMAN = Language(
    code="de",
    script="latin",
    share=0.10,
    words=word_table(
        """
        running: Laufen | Joggen | Marathontraining
        yoga: Yoga | Dehnübungen | Pilates
        football: Fußball | Elfmeter | das Derby
        dance: Tanzen | Salsa | Ballett
        music: Musik | meine Gitarre | das Konzert
        film: Kino | Filme | Popcorn
        reading: Lesen | ein Roman | Gedichte
        chess: Schach | Schachmatt | Endspiele
        exam: Prüfungen | Lernen | die Vorlesung
        office: Büro | Besprechungen | Tabellen
        shopping: Einkaufen | Rabatte | neue Schuhe
        travel: Reisen | der Flughafen | Koffer packen
        birthday: Geburtstag | Kerzen auspusten | die Überraschungsparty
        wedding: Hochzeit | die Braut | das Brautpaar
        family: Familie | Oma | meine Cousins
        baking: Backen | Sauerteig | Plätzchen
        """
    ),
    about=lines(
        """
        Heute dreht sich alles um eins: {word}.
        Mein Thema der Woche: {word}.
        Schon wieder {word}.
        {word}, was sonst?
        Stundenlang nur {word}.
        Und am Ende bleibt: {word}.
        """
    ),
    fillers=lines(
        """
        Euch allen eine schöne Woche.
        Manche Tage sind einfach so.
        Mehr gibt es nicht zu sagen.
        Danke für eure lieben Nachrichten!
        Hat gedauert, aber jetzt sind wir da.
        Schreibt mir gern in die Kommentare.
        Mehr davon, bitte.
        Schritt für Schritt, ganz ohne Eile.
        Fühlt euch gedrückt.
        Morgen erzähle ich euch den Rest.
        Ohne Plan, aber mit guter Laune.
        """
    ),
    shorts=lines(
        """
        Endlich!
        Gute Laune
        Wieder mal
        Ohne Worte
        Kleine Dinge
        Genau so
        """
    ),
)
