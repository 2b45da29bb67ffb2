"""The words for 0..9 in seventeen languages, as used when counting."""

from __future__ import annotations

LANGUAGES: dict[str, tuple[str, ...]] = {
    language: tuple(words.split())
    for language, words in {
        "English": "zero one two three four five six seven eight nine",
        "German": "null eins zwei drei vier fünf sechs sieben acht neun",
        "Dutch": "nul een twee drie vier vijf zes zeven acht negen",
        "Swedish": "noll ett två tre fyra fem sex sju åtta nio",
        "Danish": "nul en to tre fire fem seks syv otte ni",
        "French": "zéro un deux trois quatre cinq six sept huit neuf",
        "Spanish": "cero uno dos tres cuatro cinco seis siete ocho nueve",
        "Portuguese": "zero um dois três quatro cinco seis sete oito nove",
        "Italian": "zero uno due tre quattro cinque sei sette otto nove",
        "Romanian": "zero unu doi trei patru cinci șase șapte opt nouă",
        "Polish": "zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć",
        "Czech": "nula jedna dva tři čtyři pět šest sedm osm devět",
        "Hungarian": "nulla egy kettő három négy öt hat hét nyolc kilenc",
        "Finnish": "nolla yksi kaksi kolme neljä viisi kuusi seitsemän kahdeksan yhdeksän",
        "Turkish": "sıfır bir iki üç dört beş altı yedi sekiz dokuz",
        "Indonesian": "nol satu dua tiga empat lima enam tujuh delapan sembilan",
        "Swahili": "sifuri moja mbili tatu nne tano sita saba nane tisa",
    }.items()
}
"""Language -> its ten words, zero first."""

LONGEST = max(len(word) for words in LANGUAGES.values() for word in words)
