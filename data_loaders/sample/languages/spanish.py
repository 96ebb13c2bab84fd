"""Spanish captions."""

from __future__ import annotations

from data_loaders.sample.languages.base import Language, lines, word_table

SPANISH = Language(
    code="es",
    script="latin",
    share=0.13,
    words=word_table(
        """
        running: correr | el trote | el maratón
        yoga: el yoga | los estiramientos | el pilates
        football: el fútbol | los penaltis | el gol
        dance: el baile | la salsa | el tango
        music: la música | mi guitarra | el concierto
        film: el cine | las películas | las palomitas
        reading: la lectura | una novela | la poesía
        chess: el ajedrez | el jaque mate | los peones
        exam: los exámenes | estudiar | los apuntes
        office: la oficina | las reuniones | las hojas de cálculo
        shopping: las compras | las rebajas | los zapatos nuevos
        travel: viajar | el aeropuerto | las maletas
        birthday: el cumpleaños | las velas | la fiesta sorpresa
        wedding: la boda | la novia | los recién casados
        family: la familia | la abuela | mis primos
        baking: hornear | la masa madre | las galletas
        """
    ),
    about=lines(
        """
        Hoy todo gira en torno a esto: {word}.
        No dejo de pensar en {word}.
        Otra vez {word}.
        Nada mejor que {word} después de una semana larga.
        Hablamos durante horas sobre {word}.
        ¿Qué sería de la vida sin {word}?
        Mi plan favorito: {word}.
        """
    ),
    fillers=lines(
        """
        Feliz semana a todos.
        Hay días así.
        Poco más que decir.
        ¡Gracias por vuestros mensajes!
        Ha costado, pero aquí estamos.
        Contadme qué os parece en los comentarios.
        Más de esto, por favor.
        Poco a poco, sin prisa.
        Un abrazo a quien lo necesite.
        Mañana os cuento el resto.
        Sin planes y de buen humor.
        """
    ),
    shorts=lines(
        """
        ¡Por fin!
        Qué ganas
        Otra vez
        Sin palabras
        Cosas simples
        Así sí
        """
    ),
)
