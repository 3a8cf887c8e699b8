"""Ways of playing: articulations, and which of them suit which figures in which style.

A style is a family of instruments (`bowed`, `brass`, `cymbals`, ...): the figures of
`core.datasets.demo.patterns` that it plays, each with the articulations that suit the figure. Each
pair of the two is drawn equally often: what is named twice or in many ways is typical.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Articulation:
    """How notes are joined, bent and shaken.

    `gate` is the sounded part of the nominal length, `overlap_s` what is added to it;
    `vibrato_cents` and `glide_semitones` are ranges to draw from (a glide starts that far from its
    note; "previous" pitch when `portamento`); `restrike_hz` repeats a note within its length;
    `shake_hz` modulates the loudness.
    """

    gate: float = 1.0
    overlap_s: float = 0.0
    accent: float = 0.0
    vibrato_cents: tuple[float, float] = (0.0, 0.0)
    glide_semitones: tuple[float, ...] = ()
    glide_s: tuple[float, float] = (0.06, 0.14)
    portamento: bool = False
    restrike_hz: tuple[float, float] = (0.0, 0.0)
    shake_hz: tuple[float, float] = (0.0, 0.0)
    swells: bool = False


ARTICULATIONS = {
    "legato": Articulation(overlap_s=0.04),
    "tenuto": Articulation(gate=0.88),
    "detached": Articulation(gate=0.65),
    "staccato": Articulation(gate=0.4, accent=4),
    "accented": Articulation(gate=0.8, accent=12),
    "vibrato": Articulation(overlap_s=0.03, vibrato_cents=(18, 55)),
    "portamento": Articulation(overlap_s=0.02, portamento=True, vibrato_cents=(0, 30)),
    "scooped": Articulation(gate=0.95, glide_semitones=(-2, -1, -1), vibrato_cents=(0, 25)),
    "glissando": Articulation(overlap_s=0.02, glide_semitones=(-5, -4, -3, 3), glide_s=(0.18, 0.4)),
    "bent": Articulation(glide_semitones=(-2, -1, 0), glide_s=(0.1, 0.2), vibrato_cents=(0, 30)),
    "tremolo": Articulation(restrike_hz=(9, 14)),
    "flutter-tongued": Articulation(overlap_s=0.02, shake_hz=(18, 25)),
    "bellows shake": Articulation(overlap_s=0.02, shake_hz=(5, 8)),
    "rotary speaker": Articulation(overlap_s=0.03, vibrato_cents=(6, 14), shake_hz=(5.5, 7)),
    "sustained": Articulation(overlap_s=0.12),
    "swelling": Articulation(overlap_s=0.12, swells=True),
    "plucked": Articulation(),
    "let ring": Articulation(gate=1.8),
    "choked": Articulation(gate=0.4),
    "palm-muted": Articulation(gate=0.35, accent=4),
    "struck": Articulation(),
    "brushed": Articulation(),
    "ringing": Articulation(),
}


STYLES: dict[str, dict[str, tuple[str, ...]]] = {
    "bowed": {
        "melody": ("legato", "vibrato", "vibrato", "tenuto", "staccato", "portamento"),
        "held note": ("vibrato", "vibrato", "tremolo", "legato"),
        "arpeggio": ("legato", "detached"),
        "run": ("legato", "detached"),
        "trill": ("legato",),
        "repeated notes": ("staccato", "accented"),
        "double stops": ("legato", "vibrato"),
    },
    "string plucked": {"melody": ("plucked",), "arpeggio": ("plucked",)},
    "woodwind": {
        "melody": ("legato", "legato", "tenuto", "staccato", "vibrato"),
        "held note": ("legato", "swelling", "vibrato"),
        "arpeggio": ("legato", "staccato"),
        "run": ("legato",),
        "trill": ("legato",),
    },
    "flute": {
        "melody": ("legato", "vibrato", "vibrato", "staccato", "flutter-tongued"),
        "held note": ("vibrato", "vibrato", "flutter-tongued", "legato"),
        "arpeggio": ("legato", "staccato"),
        "run": ("legato",),
        "trill": ("legato",),
    },
    "saxophone": {
        "melody": ("scooped", "scooped", "legato", "vibrato", "accented"),
        "held note": ("scooped", "vibrato"),
        "repeated notes": ("accented", "staccato"),
        "run": ("legato",),
        "arpeggio": ("legato", "detached"),
    },
    "brass": {
        "fanfare": ("accented", "tenuto", "detached"),
        "melody": ("legato", "tenuto", "accented", "vibrato"),
        "held note": ("vibrato", "swelling", "tenuto"),
        "repeated notes": ("staccato", "accented"),
        "arpeggio": ("detached",),
    },
    "slide brass": {
        "fanfare": ("accented", "tenuto"),
        "melody": ("legato", "glissando", "accented", "vibrato"),
        "held note": ("glissando", "glissando", "vibrato", "swelling"),
        "repeated notes": ("staccato", "accented"),
    },
    "bellows": {
        "melody": ("legato", "detached"),
        "tune with accompaniment": ("legato", "detached"),
        "held chords": ("bellows shake", "swelling", "sustained"),
        "block chords": ("detached", "tenuto"),
        "oom-pah": ("legato", "legato", "tenuto"),
    },
    "organ": {
        "held chords": ("sustained", "rotary speaker", "rotary speaker"),
        "hymn": ("legato", "rotary speaker"),
        "melody": ("legato", "rotary speaker"),
        "tune with accompaniment": ("legato",),
    },
    "percussive organ": {
        "held chords": ("sustained", "rotary speaker"),
        "hymn": ("legato", "rotary speaker"),
        "block chords": ("detached",),
    },
    "church organ": {
        "held chords": ("sustained",),
        "hymn": ("legato",),
        "tune with accompaniment": ("legato",),
        "arpeggio": ("legato",),
    },
    "piano": {
        "tune with accompaniment": ("let ring", "plucked", "legato"),
        "block chords": ("let ring", "staccato", "tenuto"),
        "broken chords": ("let ring", "detached"),
        "arpeggio": ("let ring", "legato"),
        "melody": ("legato", "detached"),
        "run": ("legato",),
    },
    "acoustic guitar": {
        "strum": ("plucked", "let ring", "choked"),
        "fingerpicking": ("let ring",),
        "melody": ("plucked", "let ring"),
        "arpeggio": ("let ring",),
    },
    "electric guitar": {
        "strum": ("plucked", "choked"),
        "fingerpicking": ("let ring",),
        "melody": ("plucked", "bent"),
        "repeated notes": ("palm-muted", "plucked"),
    },
    "distorted guitar": {
        "power chords": ("sustained", "palm-muted"),
        "melody": ("bent", "vibrato", "legato"),
        "repeated notes": ("palm-muted",),
    },
    "muted guitar": {
        "repeated notes": ("palm-muted",),
        "strum": ("choked",),
        "melody": ("palm-muted",),
    },
    "banjo": {
        "roll": ("plucked", "detached"),
        "strum": ("plucked", "plucked"),
        "melody": ("plucked", "plucked"),
    },
    "mandolin": {
        "melody": ("tremolo", "tremolo", "plucked"),
        "double stops": ("tremolo", "tremolo"),
        "strum": ("plucked",),
        "run": ("plucked", "plucked"),
        "arpeggio": ("plucked",),
    },
    "ukulele": {
        "strum": ("plucked", "plucked", "plucked", "choked"),
        "fingerpicking": ("detached",),
        "melody": ("plucked",),
    },
    "lead synthesizer": {
        "melody": ("portamento", "legato", "staccato"),
        "sequence": ("staccato", "detached"),
        "arpeggio": ("staccato", "legato"),
    },
    "pad synthesizer": {"held chords": ("sustained", "swelling"), "held note": ("sustained",)},
    "bass synthesizer": {
        "bass line": ("staccato", "legato", "detached"),
        "sequence": ("staccato", "detached"),
    },
    "chord synthesizer": {
        "block chords": ("staccato", "detached"),
        "held chords": ("sustained", "swelling"),
        "sequence": ("detached",),
    },
    "choir": {
        "held chords": ("sustained", "swelling"),
        "hymn": ("sustained", "legato"),
        "melody": ("legato", "sustained"),
        "held note": ("vibrato", "swelling"),
    },
    "drum kit": {"groove": ("struck",), "fill": ("struck",), "drum roll": ("struck",)},
    "brushed kit": {"groove": ("brushed",), "fill": ("brushed",), "drum roll": ("brushed",)},
    "tuned drums": {"hand drums": ("struck",)},
    "cymbals": {
        "ride": ("struck",),
        "crashes": ("ringing",),
        "cymbal roll": ("ringing",),
        "hi-hat": ("struck",),
    },
}

# The noise of nail or pick at the start of a plucked note, in dB below a loud note's tone.
PICK_DB = {"acoustic guitar": -20.0, "mandolin": -18.0, "ukulele": -16.0}

# Players who shape a sounding note: the noise of breath or bow beside the tone, in dB. Their pitch
# and loudness also wander a little, which a looped sample does not.
BREATH_DB = {
    "bowed": -32.0,
    "woodwind": -36.0,
    "flute": -28.0,
    "saxophone": -34.0,
    "brass": -40.0,
    "slide brass": -40.0,
    "bellows": -40.0,
    "choir": -36.0,
}
