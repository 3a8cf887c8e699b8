"""The demo corpus's eighteen instruments: General MIDI programs, registers, ways of playing.

A class has several programs where the General MIDI map has several. Each program plays in its own
range (MIDI keys) and in a style of `core.datasets.demo.styles`. Classes the map lacks are listed in
`APPROXIMATED`.
"""

from dataclasses import dataclass

PERCUSSION_BANK = 128


@dataclass(frozen=True)
class Program:
    """One General MIDI program and how it is played.

    `number` is the program (a drum kit in bank 128), `low` and `high` the sounding range in MIDI
    keys. With `transpose` a lower key's sample is played that many semitones faster, which moves
    the body's resonances too, as on a smaller instrument. `courses` = 2 doubles every string (or
    reed), a little detuned; `layer` is a second program sounding along, `layer_db` louder.
    """

    name: str
    number: int
    style: str
    low: int
    high: int
    bank: int = 0
    weight: float = 1.0
    strings: tuple[int, ...] = ()
    rings: bool = False
    transpose: int = 0
    courses: int = 1
    layer: int | None = None
    layer_db: float = 0.0


GUITAR = (40, 45, 50, 55, 59, 64)
BANJO = (50, 55, 59, 62, 67)
MANDOLIN = (55, 62, 69, 76)
UKULELE = (67, 60, 64, 69)


def _kits(style: str, kits: dict[str, int]) -> tuple[Program, ...]:
    return tuple(
        Program(name, number, style, 35, 59, bank=PERCUSSION_BANK, rings=True)
        for name, number in kits.items()
    )


def _guitar(
    name: str, number: int, style: str, *, weight: float = 1.0, rings: bool = True
) -> Program:
    return Program(name, number, style, 40, 79, weight=weight, strings=GUITAR, rings=rings)


INSTRUMENTS: dict[str, tuple[Program, ...]] = {
    "accordion": (
        Program("accordion", 21, "bellows", 50, 77, transpose=5),
        Program("musette accordion", 21, "bellows", 50, 77, weight=0.6, courses=2),
        Program("bandoneon", 23, "bellows", 48, 77, transpose=5),
    ),
    "banjo": (
        Program("five-string banjo", 105, "banjo", 48, 69, strings=BANJO, rings=True, transpose=-5),
    ),
    "cello": (
        Program("cello", 42, "bowed", 36, 67, weight=0.5, layer=48, layer_db=3),
        Program("cello, bright", 40, "bowed", 36, 67, layer=48, layer_db=3),
        Program("cello section", 48, "bowed", 36, 67, weight=0.7),
        Program("plucked cello", 45, "string plucked", 36, 60, weight=0.08, rings=True),
    ),
    "clarinet": (Program("clarinet", 71, "woodwind", 50, 87),),
    "cymbals": _kits(
        "cymbals",
        {
            "standard kit": 0,
            "power kit": 16,
            "electronic kit": 24,
            "brush kit": 40,
            "orchestra kit": 48,
        },
    ),
    "drums": (
        *_kits(
            "drum kit",
            {
                "standard kit": 0,
                "room kit": 8,
                "power kit": 16,
                "electronic kit": 24,
                "808 kit": 25,
                "jazz kit": 32,
            },
        ),
        *_kits("brushed kit", {"brush kit": 40}),
        Program("taiko", 116, "tuned drums", 40, 64, weight=0.5, rings=True),
        Program("melodic tom", 117, "tuned drums", 40, 64, weight=0.5, rings=True),
        Program("synth drum", 118, "tuned drums", 40, 64, weight=0.3, rings=True),
    ),
    "flute": (
        Program("flute", 73, "flute", 60, 94),
        Program("piccolo", 72, "flute", 74, 102, weight=0.3),
        Program("pan flute", 75, "flute", 60, 88, weight=0.15),
    ),
    "guitar": (
        _guitar("nylon-string guitar", 24, "acoustic guitar"),
        _guitar("steel-string guitar", 25, "acoustic guitar"),
        _guitar("jazz guitar", 26, "electric guitar", weight=0.25),
        _guitar("clean electric guitar", 27, "electric guitar", weight=0.2),
        _guitar("muted electric guitar", 28, "muted guitar", weight=0.1),
        _guitar("overdriven guitar", 29, "distorted guitar", weight=0.25, rings=False),
        _guitar("distorted guitar", 30, "distorted guitar", weight=0.35, rings=False),
    ),
    "mandolin": (
        Program(
            "nylon- and steel-string guitar, doubled courses",
            24,
            "mandolin",
            58,
            88,
            strings=MANDOLIN,
            rings=True,
            transpose=9,
            courses=2,
            layer=25,
            layer_db=-6,
        ),
    ),
    "organ": (
        Program("drawbar organ", 16, "organ", 43, 79),
        Program(
            "percussive organ", 17, "percussive organ", 43, 79, weight=0.5, layer=16, layer_db=0
        ),
        Program("rock organ", 18, "organ", 43, 79, weight=0.7, layer=16, layer_db=-4.5),
        Program("church organ", 19, "church organ", 38, 84),
        Program("reed organ", 20, "church organ", 43, 84, weight=0.7),
    ),
    "piano": (
        Program("grand piano", 0, "piano", 38, 88, rings=True),
        Program("bright piano", 1, "piano", 38, 88, rings=True),
        Program("electric grand piano", 2, "piano", 38, 88, weight=0.3, rings=True),
        Program("honky-tonk piano", 3, "piano", 38, 88, weight=0.3, rings=True),
    ),
    "saxophone": (
        Program("soprano saxophone", 64, "saxophone", 58, 82, weight=0.4, transpose=5),
        Program("alto saxophone", 65, "saxophone", 50, 77, transpose=5),
        Program("tenor saxophone", 66, "saxophone", 45, 74, transpose=3),
        Program("baritone saxophone", 67, "saxophone", 40, 65, weight=0.4, transpose=5),
    ),
    "synthesizer": (
        Program("square lead", 80, "lead synthesizer", 48, 79),
        Program("saw lead", 81, "lead synthesizer", 48, 79),
        Program("charang lead", 84, "lead synthesizer", 48, 76, weight=0.2),
        Program("fifths lead", 86, "lead synthesizer", 43, 72, weight=0.4),
        Program("bass and lead", 87, "lead synthesizer", 36, 72),
        Program("warm pad", 89, "pad synthesizer", 48, 76, weight=0.5),
        Program("sweep pad", 95, "pad synthesizer", 43, 76, weight=0.8),
        Program("poly synthesizer", 90, "chord synthesizer", 43, 76, weight=0.4),
        Program("synth brass", 62, "chord synthesizer", 43, 74, weight=0.4),
        Program("soft synth brass", 63, "chord synthesizer", 43, 74, weight=0.2),
        Program("synth strings", 50, "pad synthesizer", 48, 79, weight=0.3),
        Program("synth bass", 38, "bass synthesizer", 28, 55, rings=True),
        Program("rubber synth bass", 39, "bass synthesizer", 28, 55, weight=0.4, rings=True),
    ),
    "trombone": (
        Program("trombone", 57, "slide brass", 40, 67, layer=60, layer_db=0),
        Program("bright trombone", 57, "slide brass", 40, 67, weight=0.7, transpose=-5),
        Program("mellow trombone", 60, "slide brass", 40, 67, weight=0.7, transpose=5),
    ),
    "trumpet": (
        Program("trumpet", 56, "brass", 55, 84),
        Program("muted trumpet", 59, "brass", 55, 82, weight=0.15),
    ),
    "ukulele": tuple(
        Program(
            f"nylon-string guitar {body}, re-entrant strings",
            24,
            "ukulele",
            60,
            77,
            strings=UKULELE,
            rings=True,
            transpose=transpose,
        )
        for body, transpose in (("body", 4), ("in a small body", 8))
    ),
    "violin": (
        Program("violin", 40, "bowed", 55, 91),
        Program("fiddle", 110, "bowed", 55, 86, weight=0.7),
        Program("violins", 40, "bowed", 57, 88, weight=0.4, layer=48, layer_db=-6),
        Program("plucked violin", 45, "string plucked", 60, 88, weight=0.08, rings=True),
    ),
    "voice": (
        Program("mixed choir, aah", 52, "choir", 45, 76),
        Program("children's choir, aah", 52, "choir", 57, 79, weight=0.6, transpose=4),
        Program("men's choir, aah", 52, "choir", 41, 64, weight=0.6, transpose=-4),
        Program("solo voice", 85, "choir", 50, 76, weight=0.4),
        Program("voices, ooh", 53, "choir", 45, 76, weight=0.5, layer=52, layer_db=-9),
    ),
}

CLASSES: tuple[str, ...] = tuple(INSTRUMENTS)

APPROXIMATED: dict[str, str] = {
    "mandolin": (
        "General MIDI has no mandolin: nylon- and steel-string guitar samples together, taken nine "
        "semitones lower and played faster (a smaller body), in doubled, slightly detuned courses "
        "tuned G D A E, picked, strummed and in tremolo"
    ),
    "ukulele": (
        "General MIDI has no ukulele: the nylon-string guitar's samples, taken four or eight "
        "semitones lower and played faster (a smaller body), on four strings tuned g C E A with "
        "the re-entrant high g"
    ),
    "voice": (
        "General MIDI has no words: choirs and a voice on the vowels aah and ooh, without "
        "consonants or text"
    ),
}
