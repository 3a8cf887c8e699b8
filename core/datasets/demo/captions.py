"""Captions of the demo's clips, written from the facts of how they were rendered.

    caption({"phrases": [asdict(phrase)]}, rng)
    # 'A deep, rich cello playing a melody with vibrato. It sounds wistful.'

A caption says some of: instrument, register, timbre, figure, articulation, tempo, mood, loudness,
room, the recording's faults, what plays along. It follows what sounds, whatever the clip's picture
shows. Like people's captions it is imperfect: of clips with one instrument, a share names only the
family (`FAMILY_ONLY`), a share nothing but how it sounds (`CHARACTER_ONLY`); clips with two name
both. The words are in `vocabulary`; the generator alone decides among them.
"""

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

import numpy as np

from core.datasets.demo import vocabulary as words
from core.datasets.demo.vocabulary import Noun

FAMILY_ONLY = 0.20
CHARACTER_ONLY = 0.10
NOISY_DB = 26.0  # music to noise: from here down one notices
SLOW_BPM, FAST_BPM = 88, 126

# Slots: thing, noun (without article), doing, manner, mood, speed, pace, piece, level, place, shape
# (of the loudness), fault (of the recording), behind (what plays along), tempo and key. A template
# is drawn among those whose slots all have words. Written with a capital, a slot begins with one.
TEMPLATES = (
    "{Thing} {doing} {manner}.",
    "{Thing} {doing}.",
    "{Thing} {doing} {place}. It sounds {mood}.",
    "{Thing} {doing} {manner}, {speed} and {mood}.",
    "{Mood} music with {thing} {doing}.",
    "{Piece}: {thing} {doing} {manner}.",
    "This clip features {thing} {doing} {place}.",
    "The recording features {thing} {doing} at {pace}.",
    "You can hear {thing} {doing} {manner}. The mood is {mood}.",
    "{Speed} {noun}, {manner}, {mood}.",
    "{noun}, {speed} tempo, {mood}, {manner}",
    "{mood}, {speed}, {noun}, {place}",
    "{Level} and {mood}: {thing} {doing}.",
    "{Thing} {doing}, {level}, {place}.",
    "{Thing} {doing}, {shape}.",
    "{Mood}, {speed} music; {thing} {doing} {manner}, {shape}.",
    "{Thing} {doing}, {behind}.",
    "{Thing} {doing} {manner}, {behind}. The feel is {mood}.",
    "{Thing} {doing}; {fault}.",
    "{Thing} {doing} {place}, {mood}; {fault}.",
    "{Thing} {doing} at about {tempo} beats a minute, {manner}.",
    "{Thing} {doing} in {key}, {speed} and {mood}.",
)


def caption(facts: Mapping[str, Any], rng: np.random.Generator) -> str:
    """One sentence or two about a sound, from its item's facts.

    `facts["phrases"]` holds one or two `sounds.Phrase` as dicts. The same facts and state of the
    generator give the same caption.
    """
    phrases: Sequence[Mapping[str, Any]] = facts["phrases"]
    slots = _slots(phrases, rng)
    fitting = [one for one in TEMPLATES if all(slots[slot.lower()] for slot in slots_of(one))]
    template = _one(rng, fitting)
    return template.format(**slots, **{name.capitalize(): _raised(s) for name, s in slots.items()})


def slots_of(template: str) -> list[str]:
    """The names of a template's slots as they are written in it."""
    return [name for _, name, _, _ in Formatter().parse(template) if name]


def speed(phrase: Mapping[str, Any]) -> str:
    """ "slow", "medium" or "fast" as one hears it: what is held is never fast, a run never slow."""
    if phrase["figure"] in words.LONG_FIGURES:
        return "slow"
    if phrase["figure"] in words.QUICK_FIGURES or phrase["articulation"] == "tremolo":
        return "fast"
    bpm = phrase["tempo_bpm"]
    return "slow" if bpm < SLOW_BPM else "fast" if bpm >= FAST_BPM else "medium"


def moods(phrase: Mapping[str, Any]) -> tuple[str, ...]:
    """The mood words that suit a phrase: by major or minor, loudness and speed."""
    mode = phrase["key"].partition(" ")[2].removeprefix("sharp ").removeprefix("flat ")
    harmony = "" if not mode else "bright" if mode in ("major", "mixolydian") else "dark"
    level = _level(phrase)
    return words.MOODS[harmony, level] + words.SPEED_MOODS.get((speed(phrase), level), ())


def _level(phrase: Mapping[str, Any]) -> str:
    return {"pp": "soft", "p": "soft", "f": "loud", "ff": "loud"}.get(phrase["dynamics"], "medium")


def _slots(phrases: Sequence[Mapping[str, Any]], rng: np.random.Generator) -> dict[str, str]:
    """Words for every slot, "" where there is nothing to say."""
    alone = len(phrases) == 1
    first = phrases[0]
    pitched = next((phrase for phrase in phrases if phrase["key"]), first)
    luck = rng.random() if alone else 1.0
    nouns = [_noun(phrase, luck, rng) for phrase in phrases]
    things = [
        _thing(phrase, noun, rng, described=luck < CHARACTER_ONLY)
        for phrase, noun in zip(phrases, nouns, strict=True)
    ]
    sung = words.SUNG if first["class_name"] == "voice" else {}
    doing = {**words.FIGURES, **sung}[first["figure"]] if alone else words.TOGETHER
    backing = first["backing"]
    behind = _with_article(_noun_of(rng, words.NAMES[backing])) if backing else ""
    noises = words.NOISES[first["noise"]] if first["snr_db"] < NOISY_DB else ()
    held = first["figure"] in words.LONG_FIGURES
    pace, mood = _one(rng, words.SPEEDS[speed(first)]), _one(rng, moods(pitched))
    return {
        "thing": " and ".join(_with_article(thing) for thing in things),
        "noun": " and ".join(text for text, _ in things),
        "doing": _one(rng, doing),
        "manner": _one(rng, words.ARTICULATIONS[first["articulation"]] if alone else ()),
        "mood": mood,
        "speed": pace,
        "pace": _with_article((f"{pace} pace", False)),
        "piece": _with_article((f"{pace}, {mood} piece", False)),
        "level": _one(rng, words.LEVELS[_level(first)]),
        "place": _one(rng, words.ROOMS[first["room"]]),
        "shape": _one(rng, words.CONTOURS[first["contour"]] if alone else ()),
        "fault": _one(rng, words.RECORDINGS[first["recording"]] or noises),
        "behind": f"with {behind} in the background" if behind else "",
        "tempo": "" if held else str(5 * round(first["tempo_bpm"] / 5)),
        "key": pitched["key"],
    }


def _noun(phrase: Mapping[str, Any], luck: float, rng: np.random.Generator) -> Noun:
    """What a caption calls the instrument: its name mostly, else its family, else just that."""
    name, program = phrase["class_name"], phrase["program"]
    if luck < CHARACTER_ONLY:
        return _noun_of(rng, words.ANYTHING)
    if luck < CHARACTER_ONLY + FAMILY_ONLY:
        plucked = program.startswith("plucked")
        return _noun_of(rng, words.FAMILIES["guitar" if plucked else name])
    drum_kit = name == "cymbals" and program in words.KITS
    if program in words.PROGRAMS and not drum_kit and rng.random() < 0.4:
        return words.PROGRAMS[program]
    return _noun_of(rng, words.ALONE.get(program, words.NAMES[name]))


def _thing(
    phrase: Mapping[str, Any], noun: Noun, rng: np.random.Generator, *, described: bool
) -> Noun:
    """The noun with, at random, adjectives of register and timbre; with both if `described`."""
    adjectives = []
    register = _one(rng, words.REGISTERS[phrase["register"]])
    if register and (described or rng.random() < 0.5):
        adjectives.append(register)
    timbre = _one(rng, words.TIMBRES[phrase["class_name"]])
    if (described or rng.random() < 0.3) and timbre.split("-")[0] not in noun[0]:
        adjectives.append(timbre)
    return f"{', '.join(adjectives)} {noun[0]}".strip(), noun[1]


def _with_article(noun: Noun) -> str:
    text, plain = noun
    vowel = text[0] in "aeio8" or text.startswith("un")  # an 808 kit, an unhurried pace, a ukulele
    return text if plain else f"an {text}" if vowel else f"a {text}"


def _raised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _one(rng: np.random.Generator, options: Sequence[str]) -> str:
    """One of the options, "" of none; always one draw, so that words do not hang on each other."""
    number = rng.random()
    return options[int(number * len(options))] if options else ""


def _noun_of(rng: np.random.Generator, options: Sequence[Noun]) -> Noun:
    return options[int(rng.random() * len(options))]
