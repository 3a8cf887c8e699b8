"""Words for what was rendered: instruments, families, timbres, figures, articulations, moods.

Plain tables for `captions`. Every figure, articulation, room and recording of the corpus has its
words here, and every class its names, its families and its timbres (tested). A noun is given with
whether it is plural or uncountable and so takes no article; what is being done is a gerund, so
that it suits both.
"""

Noun = tuple[str, bool]  # the words, and whether no article stands before them


def _nouns(*words: str) -> tuple[Noun, ...]:
    return tuple((word, False) for word in words)


def _plain(*words: str) -> tuple[Noun, ...]:
    return tuple((word, True) for word in words)


NAMES: dict[str, tuple[Noun, ...]] = {
    "accordion": _nouns("accordion", "accordion", "squeezebox"),
    "banjo": _nouns("banjo"),
    "cello": _nouns("cello", "cello", "violoncello"),
    "clarinet": _nouns("clarinet"),
    "cymbals": _plain("cymbals"),
    "drums": (*_nouns("drum kit", "drum set"), *_plain("drums", "drums")),
    "flute": _nouns("flute"),
    "guitar": _nouns("guitar"),
    "mandolin": _nouns("mandolin"),
    "organ": _nouns("organ"),
    "piano": _nouns("piano"),
    "saxophone": _nouns("saxophone", "saxophone", "sax"),
    "synthesizer": _nouns("synthesizer", "synthesizer", "synth"),
    "trombone": _nouns("trombone"),
    "trumpet": _nouns("trumpet"),
    "ukulele": _nouns("ukulele"),
    "violin": _nouns("violin"),
    "voice": (*_nouns("choir", "vocal group"), *_plain("voices", "vocals", "singers")),
}
ALONE = {"solo voice": _nouns("voice", "singer")}  # names of one program in place of its class's

# Programs whose own name says more than the class's; other programs go by their class.
PROGRAMS: dict[str, Noun] = {
    **{
        name: (name, False)
        for name in (
            *("musette accordion", "bandoneon", "five-string banjo", "plucked cello", "808 kit"),
            *("jazz kit", "brush kit", "taiko", "piccolo", "pan flute", "nylon-string guitar"),
            *("steel-string guitar", "jazz guitar", "clean electric guitar", "overdriven guitar"),
            *("muted electric guitar", "distorted guitar", "drawbar organ", "rock organ"),
            *("church organ", "reed organ", "grand piano", "bright piano", "honky-tonk piano"),
            *("electric grand piano", "soprano saxophone", "alto saxophone", "tenor saxophone"),
            *("baritone saxophone", "poly synthesizer", "synth bass", "muted trumpet", "fiddle"),
            *("plucked violin", "solo voice", "synth brass"),
        )
    },
    "cello section": ("cellos", True),
    "violins": ("violins", True),
    "electronic kit": ("electronic drum kit", False),
    "orchestra kit": ("orchestral cymbals", True),
    "melodic tom": ("tuned toms", True),
    "square lead": ("square-wave synthesizer", False),
    "saw lead": ("sawtooth synthesizer", False),
    "warm pad": ("warm synthesizer pad", False),
    "sweep pad": ("sweeping synthesizer pad", False),
    "synth strings": ("synthesizer strings", True),
    "mixed choir, aah": ("mixed choir", False),
    "children's choir, aah": ("children's choir", False),
    "men's choir, aah": ("men's choir", False),
    "voices, ooh": ("voices", True),
}
# A kit's name is a drum's: of the cymbals' programs none but the orchestra's says more.
KITS = ("808 kit", "jazz kit", "brush kit", "electronic kit")

_BOWED = _nouns("bowed string instrument", "string instrument")
_PLUCKED = _nouns("plucked string instrument", "fretted instrument", "string instrument")
_WIND = _nouns("woodwind instrument", "wind instrument")
_BRASS = (*_nouns("brass instrument", "wind instrument", "horn"), *_plain("brass"))
_KEYS = _nouns("keyboard instrument", "keyboard")
_PERCUSSION = (*_nouns("percussion instrument"), *_plain("percussion", "percussion"))
FAMILIES: dict[str, tuple[Noun, ...]] = {
    "accordion": _nouns("free-reed instrument", "bellows instrument", "keyboard instrument"),
    "banjo": _PLUCKED,
    "cello": _BOWED,
    "clarinet": _WIND,
    "cymbals": _PERCUSSION,
    "drums": _PERCUSSION,
    "flute": _WIND,
    "guitar": _PLUCKED,
    "mandolin": _PLUCKED,
    "organ": _KEYS,
    "piano": _KEYS,
    "saxophone": _WIND,
    "synthesizer": (*_KEYS, *_nouns("electronic instrument")),
    "trombone": _BRASS,
    "trumpet": _BRASS,
    "ukulele": _PLUCKED,
    "violin": _BOWED,
    "voice": _plain("human voices"),
}
ANYTHING: tuple[Noun, ...] = (*_nouns("instrument", "instrument", "sound", "timbre"),)

TIMBRES: dict[str, tuple[str, ...]] = {
    "accordion": ("reedy", "wheezing", "nasal"),
    "banjo": ("twangy", "bright", "plunking"),
    "cello": ("rich", "dark", "mellow"),
    "clarinet": ("hollow", "woody", "round"),
    "cymbals": ("metallic", "shimmering", "noisy"),
    "drums": ("punchy", "thumping", "percussive"),
    "flute": ("airy", "breathy", "pure"),
    "guitar": ("stringy", "resonant", "warm"),
    "mandolin": ("jangling", "bright", "ringing"),
    "organ": ("full", "piping", "droning"),
    "piano": ("clear", "hammered", "resonant"),
    "saxophone": ("smoky", "reedy", "husky"),
    "synthesizer": ("electronic", "buzzing", "artificial"),
    "trombone": ("brassy", "mellow", "broad"),
    "trumpet": ("brilliant", "brassy", "piercing"),
    "ukulele": ("plinking", "light", "small"),
    "violin": ("silky", "bright", "sweet"),
    "voice": ("human", "warm", "breathy"),
}

REGISTERS: dict[str, tuple[str, ...]] = {
    "low": ("low", "deep", "low-pitched"),
    "middle": (),
    "high": ("high", "high-pitched"),
}

FIGURES: dict[str, tuple[str, ...]] = {
    "melody": ("playing a melody", "playing a tune", "playing a melodic line"),
    "held note": ("holding long notes", "sustaining single notes"),
    "arpeggio": ("playing arpeggios", "playing broken chords up and down"),
    "run": ("running up and down scales", "playing scale runs"),
    "trill": ("trilling", "playing a trill"),
    "repeated notes": ("repeating one note", "playing a riff on one or two notes"),
    "fanfare": ("playing a fanfare", "sounding a call"),
    "sequence": ("playing a repeating sequence", "looping a short pattern"),
    "bass line": ("playing a bass line", "laying down a bass line"),
    "held chords": ("holding chords", "sustaining long chords"),
    "hymn": ("playing a hymn", "moving through slow harmonies"),
    "block chords": ("playing block chords", "striking chords in rhythm"),
    "broken chords": ("playing broken chords", "accompanying with broken chords"),
    "tune with accompaniment": ("playing a tune with accompaniment", "playing melody and chords"),
    "oom-pah": ("playing an oom-pah accompaniment", "alternating bass and chords"),
    "double stops": ("playing in thirds and sixths", "playing double stops"),
    "strum": ("strumming chords", "being strummed"),
    "fingerpicking": ("being fingerpicked", "picking patterns with the fingers"),
    "roll": ("playing rolls", "picking rapid rolls"),
    "power chords": ("playing power chords", "driving power chords"),
    "groove": ("playing a beat", "keeping a groove"),
    "fill": ("playing a fill", "filling over snare and toms"),
    "drum roll": ("playing a drum roll", "rolling on the snare"),
    "hand drums": ("beating a tuned rhythm", "playing a pattern on tuned drums"),
    "ride": ("keeping time on the ride", "playing a ride pattern"),
    "hi-hat": ("keeping time on the hi-hat", "ticking on the hi-hat"),
    "crashes": ("crashing", "being struck and left to ring"),
    "cymbal roll": ("rolling with mallets", "swelling in a roll"),
}
SUNG: dict[str, tuple[str, ...]] = {
    "melody": ("singing a melody", "singing a wordless tune"),
    "held note": ("holding a long note", "singing one long vowel"),
    "held chords": ("holding chords", "singing sustained harmonies"),
    "hymn": ("singing a hymn", "singing slow harmonies without words"),
}

TOGETHER = ("playing together", "sounding together", "together", "in the same piece")

ARTICULATIONS: dict[str, tuple[str, ...]] = {
    "legato": ("smoothly", "in connected, flowing notes", "legato"),
    "tenuto": ("with broad, held notes", "tenuto"),
    "detached": ("in detached notes", "with gaps between the notes"),
    "staccato": ("in short notes", "staccato", "crisply"),
    "accented": ("with strong accents", "with hard attacks"),
    "vibrato": ("with vibrato", "with a warm vibrato"),
    "portamento": ("sliding between the notes", "with portamento"),
    "scooped": ("scooping into the notes", "with bluesy scoops"),
    "glissando": ("with glissandos", "sliding into the notes"),
    "bent": ("bending the notes", "with bent notes"),
    "tremolo": ("in tremolo", "with rapid repeated strokes"),
    "flutter-tongued": ("with flutter tongue", "with a fluttering tone"),
    "bellows shake": ("shaking the bellows", "with a trembling tone"),
    "rotary speaker": ("through a rotating speaker", "with a swirling speaker"),
    "sustained": ("in long sustained tones", "without a break"),
    "swelling": ("swelling slowly", "in swells"),
    "plucked": ("with a clean pluck", "with clear plucked notes"),
    "let ring": ("letting the notes ring", "with long ringing notes"),
    "choked": ("with damped, choked strokes", "cut short"),
    "palm-muted": ("palm-muted", "with muted, chugging strokes"),
    "struck": ("with sticks", "with firm strokes"),
    "brushed": ("with brushes", "brushed lightly"),
    "ringing": ("left ringing", "with a long shimmering tail"),
}
QUICK_FIGURES = ("run", "roll", "trill", "fill", "drum roll", "sequence")
LONG_FIGURES = ("held note", "held chords", "hymn")
# Adjectives of a pace, a tempo, a piece.
SPEEDS: dict[str, tuple[str, ...]] = {
    "slow": ("slow", "unhurried", "leisurely"),
    "medium": ("moderate", "medium"),
    "fast": ("fast", "quick", "rapid", "brisk"),
}
LEVELS: dict[str, tuple[str, ...]] = {
    "soft": ("quiet", "soft", "hushed"),
    "medium": (),
    "loud": ("loud", "powerful", "forceful"),
}
# By harmony (bright: major; dark: minor; none: percussion) and loudness; then by speed.
MOODS: dict[tuple[str, str], tuple[str, ...]] = {
    ("bright", "soft"): ("gentle", "tender", "peaceful", "dreamy"),
    ("bright", "medium"): ("cheerful", "warm", "friendly", "pleasant"),
    ("bright", "loud"): ("joyful", "triumphant", "bold", "festive"),
    ("dark", "soft"): ("sad", "wistful", "melancholic", "lonely"),
    ("dark", "medium"): ("serious", "nostalgic", "brooding", "pensive"),
    ("dark", "loud"): ("dramatic", "tense", "fierce", "passionate"),
    ("", "soft"): ("restrained", "subtle", "delicate"),
    ("", "medium"): ("steady", "relaxed", "groovy"),
    ("", "loud"): ("energetic", "driving", "aggressive"),
}
SPEED_MOODS: dict[tuple[str, str], tuple[str, ...]] = {
    ("slow", "soft"): ("calm", "solemn"),
    ("slow", "medium"): ("calm", "solemn"),
    ("slow", "loud"): ("solemn", "majestic"),
    ("fast", "soft"): ("light", "nimble"),
    ("fast", "medium"): ("lively", "restless"),
    ("fast", "loud"): ("lively", "excited"),
}
CONTOURS: dict[str, tuple[str, ...]] = {
    "steady": (),
    "crescendo": ("getting louder", "growing in volume"),
    "diminuendo": ("getting softer", "fading away"),
    "swell": ("swelling and dying away", "rising and falling in volume"),
}
ROOMS: dict[str, tuple[str, ...]] = {
    "dry": ("close to the microphone", "without any reverberation"),
    "small room": ("in a small room", "at home"),
    "studio": ("in a studio", "with a little reverberation"),
    "stage": ("on a stage", "in a concert room"),
    "hall": ("in a large hall", "with long reverberation", "in an echoing church"),
}
RECORDINGS: dict[str, tuple[str, ...]] = {
    "full range": (),
    "dull": ("the recording is muffled", "the sound is dull"),
    "thin": ("the recording is thin", "the sound lacks bass"),
    "telephone": ("as if heard over a telephone", "the recording is of poor quality"),
}
NOISES: dict[str, tuple[str, ...]] = {
    "hiss": ("there is audible hiss", "with tape hiss"),
    "pink noise": ("there is noise in the background", "with background noise"),
    "rumble": ("there is a low rumble", "with rumble in the background"),
    "mains hum": ("there is a mains hum", "with an electric hum"),
}
