"""English captions."""

from __future__ import annotations

from data_loaders.sample.languages.base import Language, lines, word_table

ENGLISH = Language(
    code="en",
    script="latin",
    share=0.43,
    words=word_table(
        """
        running: running | jogging | marathon training | a slow 5k
        yoga: yoga | stretching | pilates | sun salutations
        football: football | soccer | the derby | penalty kicks
        dance: dancing | salsa | ballet | tango lessons
        music: music | my guitar | vinyl records | a concert
        film: the cinema | movies | a new film | popcorn
        reading: reading | a novel | poetry | the library
        chess: chess | the queen's gambit | endgames | grandmasters
        exam: exams | studying | lecture notes | my thesis
        office: the office | meetings | deadlines | spreadsheets
        shopping: shopping | discounts | new shoes | the outlet
        travel: travelling | the airport | a road trip | suitcases
        birthday: a birthday | birthday candles | turning older | a surprise party
        wedding: the wedding | the bride | newlyweds | vows
        family: family | grandma | my cousins | the kids
        baking: baking | sourdough | cookies | fresh dough
        """
    ),
    about=lines(
        """
        Today was all about {word}.
        Can't stop thinking about {word}.
        Honestly, {word} and I belong together.
        Back to {word} again.
        Nothing beats {word} at the end of a long week.
        We talked about {word} for hours.
        Still smiling because of {word}.
        What would life be without {word}?
        """
    ),
    fillers=lines(
        """
        Hope everyone is having a lovely week.
        Some days are just like this.
        Not much else to say, really.
        Thank you all for the kind messages!
        It took a while, but here we are.
        I never thought I would write this here.
        Tell me what you think in the comments.
        More of this, please.
        Slowly getting there, one step at a time.
        The weekend could not come soon enough.
        Sending a hug to whoever needs it.
        Ask me again tomorrow and I will say the same.
        My phone battery died right after this.
        No plan, no hurry, just a good mood.
        """
    ),
    shorts=lines(
        """
        Finally!
        Good vibes
        Mood
        Again
        No words
        Just this
        Simple things
        One of those days
        """
    ),
)
