"""Hindi captions."""

from __future__ import annotations

from data_loaders.sample.languages.base import Language, lines, word_table

HINDI = Language(
    code="hi",
    script="devanagari",
    share=0.03,
    words=word_table(
        """
        running: दौड़ | जॉगिंग
        yoga: योग | सूर्य नमस्कार
        football: फुटबॉल | पेनल्टी
        dance: नृत्य | साल्सा
        music: संगीत | मेरा गिटार
        film: सिनेमा | नई फ़िल्म
        reading: किताबें | उपन्यास
        chess: शतरंज | शह और मात
        exam: परीक्षा | पढ़ाई
        office: दफ़्तर | मीटिंग
        shopping: ख़रीदारी | नए जूते
        travel: यात्रा | हवाई अड्डा
        birthday: जन्मदिन | मोमबत्तियाँ
        wedding: शादी | दुल्हन
        family: परिवार | दादी
        baking: बेकिंग | बिस्कुट
        """
    ),
    about=lines(
        """
        आज का दिन: {word}।
        फिर से {word}।
        दिमाग में बस {word}।
        इस हफ़्ते की ख़ास बात: {word}।
        """
    ),
    fillers=lines(
        """
        सबको अच्छा हफ़्ता मिले।
        कुछ दिन ऐसे ही होते हैं।
        और क्या कहूँ।
        आप सबके प्यार के लिए धन्यवाद!
        देर लगी, पर हम यहाँ हैं।
        कमेंट में बताइए।
        धीरे धीरे, बिना जल्दी के।
        बाक़ी कल बताऊँगा।
        बस अच्छा मूड है।
        """
    ),
    shorts=lines(
        """
        आख़िरकार!
        फिर से
        बस यही
        छोटी बातें
        """
    ),
)
