"""French captions."""

from __future__ import annotations

from data_loaders.sample.languages.base import Language, lines, word_table

FRENCH = Language(
    code="fr",
    script="latin",
    share=0.07,
    words=word_table(
        """
        running: la course | le jogging | le marathon
        yoga: le yoga | les étirements | le pilates
        football: le foot | les penaltys | le derby
        dance: la danse | la salsa | le ballet
        music: la musique | ma guitare | le concert
        film: le cinéma | les films | le pop-corn
        reading: la lecture | un roman | la poésie
        chess: les échecs | le roi et la dame | échec et mat
        exam: les examens | les révisions | le mémoire
        office: le bureau | les réunions | les tableurs
        shopping: le shopping | les soldes | des chaussures neuves
        travel: les voyages | l'aéroport | les valises
        birthday: un anniversaire | les bougies | la fête surprise
        wedding: le mariage | la mariée | les jeunes mariés
        family: la famille | mamie | mes cousins
        baking: la pâtisserie | le levain | les biscuits
        """
    ),
    about=lines(
        """
        Aujourd'hui, une seule chose : {word}.
        Je ne pense qu'à ça : {word}.
        Encore et toujours {word}.
        Rien de mieux que {word} après une longue semaine.
        Que serait la vie sans {word} ?
        Mon sujet du jour : {word}.
        """
    ),
    fillers=lines(
        """
        Belle semaine à tous.
        Il y a des jours comme ça.
        Rien d'autre à ajouter.
        Merci pour vos gentils messages !
        Ça a pris du temps, mais nous y voilà.
        Dites-moi tout en commentaire.
        On en redemande.
        Petit à petit, sans se presser.
        Je vous embrasse fort.
        La suite demain, promis.
        Pas de plan, juste de la bonne humeur.
        """
    ),
    shorts=lines(
        """
        Enfin !
        Belle journée
        Encore
        Sans mots
        Petits bonheurs
        Tout simplement
        """
    ),
)
