"""Captions of the demo's clips, written from the facts of how they were rendered.

    caption({"phrases": [asdict(phrase)]}, rng)
    # 'A deep, rich cello playing a melody with vibrato. It sounds wistful.'

A caption says some of: instrument, register, timbre, figure, articulation, tempo, mood, loudness,
room, flaws of the recording, accompaniment. It describes the sound, whatever the clip's picture
shows. Like people's captions it is imperfect: of the captions of one instrument, a share names only
its family (`FAMILY_ONLY`) and a share only describes the sound (`CHARACTER_ONLY`). Captions of two
instruments name both. The words are in `vocabulary.toml`; `rng` alone chooses among them.
"""

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

import numpy as np

from core.datasets.demo import tables

WORDS = tables.load("vocabulary")
OWN_NAMES = {name: name for name in WORDS["own_names"]} | WORDS["programs"]

FAMILY_ONLY = 0.20
CHARACTER_ONLY = 0.10
NOISY_DB = 26.0  # ratio of music to noise below which a caption may mention the noise
SLOW_BPM, FAST_BPM = 88, 126

TEMPLATES: tuple[str, ...] = tuple(WORDS["templates"])


def caption(facts: Mapping[str, Any], rng: np.random.Generator) -> str:
    """One or two sentences about a sound, by its item's facts.

    `facts["phrases"]` has a `sounds.Phrase`, as a dict, for each of its one or two instruments.
    """
    phrases: Sequence[Mapping[str, Any]] = facts["phrases"]
    slots = _slots(phrases, rng)
    fitting = [one for one in TEMPLATES if all(slots[slot.lower()] for slot in slots_of(one))]
    template = _one(rng, fitting)
    raised = {name.capitalize(): words[:1].upper() + words[1:] for name, words in slots.items()}
    return template.format(**slots, **raised)


def slots_of(template: str) -> list[str]:
    """The names of a template's slots, as written."""
    return [name for _, name, _, _ in Formatter().parse(template) if name]


def speed(phrase: Mapping[str, Any]) -> str:
    """Whether it sounds slow, medium or fast: held notes are never fast, runs never slow."""
    if phrase["figure"] in WORDS["long_figures"]:
        return "slow"
    if phrase["figure"] in WORDS["quick_figures"] or phrase["articulation"] == "tremolo":
        return "fast"
    bpm = phrase["tempo_bpm"]
    return "slow" if bpm < SLOW_BPM else "fast" if bpm >= FAST_BPM else "medium"


def moods(phrase: Mapping[str, Any]) -> list[str]:
    """The mood words that suit a phrase: by major or minor, loudness and speed."""
    mode = phrase["key"].partition(" ")[2].removeprefix("sharp ").removeprefix("flat ")
    harmony = "" if not mode else "bright" if mode in ("major", "mixolydian") else "dark"
    level = _level(phrase)
    by_harmony = WORDS["moods"][f"{harmony} {level}".strip()]
    return [*by_harmony, *WORDS["speed_moods"].get(f"{speed(phrase)} {level}", ())]


def _level(phrase: Mapping[str, Any]) -> str:
    return {"pp": "soft", "p": "soft", "f": "loud", "ff": "loud"}.get(phrase["dynamics"], "medium")


def _slots(phrases: Sequence[Mapping[str, Any]], rng: np.random.Generator) -> dict[str, str]:
    """The words of every slot, "" where there are none."""
    alone = len(phrases) == 1
    first = phrases[0]
    pitched = next((phrase for phrase in phrases if phrase["key"]), first)
    luck = rng.random() if alone else 1.0
    nouns = [_noun(phrase, luck, rng) for phrase in phrases]
    things = [
        _described(phrase, noun, rng, always=luck < CHARACTER_ONLY)
        for phrase, noun in zip(phrases, nouns, strict=True)
    ]
    with_articles = [_with_article(*both) for both in zip(things, nouns, strict=True)]
    sung = WORDS["sung"] if first["class_name"] == "voice" else {}
    doing = (WORDS["figures"] | sung)[first["figure"]] if alone else WORDS["together"]
    behind = ""
    if first["backing"]:
        other = _one(rng, WORDS["names"][first["backing"]])
        behind = f"with {_with_article(other, other)} in the background"
    noises = WORDS["noises"][first["noise"]] if first["snr_db"] < NOISY_DB else ()
    held = first["figure"] in WORDS["long_figures"]
    pace, mood = _one(rng, WORDS["speeds"][speed(first)]), _one(rng, moods(pitched))
    return {
        "thing": " and ".join(with_articles),
        "noun": " and ".join(things),
        "doing": _one(rng, doing),
        "manner": _one(rng, WORDS["articulations"][first["articulation"]] if alone else ()),
        "mood": mood,
        "speed": pace,
        "pace": _with_article(f"{pace} pace"),
        "piece": _with_article(f"{pace}, {mood} piece"),
        "level": _one(rng, WORDS["levels"][_level(first)]),
        "place": _one(rng, WORDS["rooms"][first["room"]]),
        "shape": _one(rng, WORDS["contours"][first["contour"]] if alone else ()),
        "fault": _one(rng, WORDS["recordings"][first["recording"]] or noises),
        "behind": behind,
        "tempo": "" if held else str(5 * round(first["tempo_bpm"] / 5)),
        "key": pitched["key"],
    }


def _noun(phrase: Mapping[str, Any], luck: float, rng: np.random.Generator) -> str:
    """The instrument's name in most captions, else its family, else a word like "instrument"."""
    name, program = phrase["class_name"], phrase["program"]
    if luck < CHARACTER_ONLY:
        return _one(rng, WORDS["anything"])
    if luck < CHARACTER_ONLY + FAMILY_ONLY:
        return _one(rng, WORDS["families"]["guitar" if program.startswith("plucked") else name])
    drum_kit = name == "cymbals" and program in WORDS["kits"]
    if program in OWN_NAMES and not drum_kit and rng.random() < 0.4:
        return OWN_NAMES[program]
    return _one(rng, WORDS["alone"].get(program, WORDS["names"][name]))


def _described(
    phrase: Mapping[str, Any], noun: str, rng: np.random.Generator, *, always: bool
) -> str:
    """The noun with adjectives of register and timbre: at random, or both if `always`."""
    adjectives = []
    register = _one(rng, WORDS["registers"][phrase["register"]])
    if register and (always or rng.random() < 0.5):
        adjectives.append(register)
    timbre = _one(rng, WORDS["timbres"][phrase["class_name"]])
    if (always or rng.random() < 0.3) and timbre.split("-")[0] not in noun:
        adjectives.append(timbre)
    return f"{', '.join(adjectives)} {noun}".strip()


def _with_article(text: str, noun: str = "") -> str:
    if noun in WORDS["without_article"]:
        return text
    vowel = text[0] in "aeio8" or text.startswith("un")  # an 808 kit, an unhurried pace, a ukulele
    return f"an {text}" if vowel else f"a {text}"


def _one(rng: np.random.Generator, options: Sequence[str]) -> str:
    """One of the options, "" of none. It always draws once, so that later words do not change."""
    number = rng.random()
    return options[int(number * len(options))] if options else ""
