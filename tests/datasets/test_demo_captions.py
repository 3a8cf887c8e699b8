"""The demo's captions: true to the facts, varied, and as imperfect as the card says."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from core.datasets.demo.captions import (
    CHARACTER_ONLY,
    FAMILY_ONLY,
    OWN_NAMES,
    TEMPLATES,
    WORDS,
    caption,
    moods,
    slots_of,
    speed,
)
from core.datasets.demo.instruments import ARTICULATIONS, CLASSES, INSTRUMENTS, STYLES
from core.datasets.demo.patterns import FIGURES
from core.datasets.demo.rooms import NOISES, RECORDINGS, ROOMS
from core.datasets.demo.sounds import CONTOURS, REGISTERS, Phrase

PHRASE = Phrase(
    class_name="cello",
    program="cello",
    register="low",
    figure="melody",
    articulation="vibrato",
    dynamics="pp",
    contour="steady",
    tempo_bpm=72,
    key="F sharp minor",
    room="hall",
    recording="full range",
    noise="hiss",
    snr_db=40.0,
    level_dbfs=-20.0,
    backing="",
    approximated=False,
    duration_s=2.5,
)


def phrase(**changes: object) -> dict[str, Any]:
    return {**asdict(PHRASE), **changes}


def captions(*phrases: dict[str, Any], n: int = 300) -> list[str]:
    return [caption({"phrases": list(phrases)}, np.random.default_rng([3, i])) for i in range(n)]


def share(texts: Sequence[str], pattern: str) -> float:
    return float(np.mean([re.search(pattern, text, re.IGNORECASE) is not None for text in texts]))


def every_phrase() -> list[dict[str, Any]]:
    """One phrase of every program, figure and articulation that the corpus can hold."""
    out = []
    for name, programs in INSTRUMENTS.items():
        for program in programs:
            key = "" if name in ("drums", "cymbals") else "C major"
            for figure, ways in STYLES[program.style].items():
                for way in dict.fromkeys(ways):
                    facts = {"class_name": name, "program": program.name, "key": key}
                    out.append(phrase(**facts, figure=figure, articulation=way))
    return out


def test_there_are_words_for_everything_rendered() -> None:
    for table, keys in {
        "figures": FIGURES,
        "articulations": ARTICULATIONS,
        "rooms": ROOMS,
        "recordings": RECORDINGS,
        "noises": NOISES,
        "contours": CONTOURS,
        "registers": REGISTERS,
        "names": CLASSES,
        "families": CLASSES,
        "timbres": CLASSES,
        "sung": STYLES["choir"],
    }.items():
        assert set(WORDS[table]) == set(keys), table
    programs = {program.name for programs in INSTRUMENTS.values() for program in programs}
    assert set(OWN_NAMES) | set(WORDS["alone"]) <= programs
    nouns = [*OWN_NAMES.values(), *WORDS["anything"]]
    for table in ("alone", "names", "families"):
        nouns += [noun for options in WORDS[table].values() for noun in options]
    assert set(WORDS["without_article"]) <= set(nouns)


def test_there_are_enough_templates_and_each_is_used() -> None:
    assert len(TEMPLATES) >= 12
    assert {slot.lower() for one in TEMPLATES for slot in slots_of(one)} == {
        *("thing", "noun", "doing", "manner", "mood", "speed", "pace", "piece", "level"),
        *("place", "shape", "fault", "behind", "tempo", "key"),
    }
    full = phrase(contour="swell", recording="dull", backing="piano")
    texts = captions(full, n=400)
    for template in TEMPLATES:
        pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(template))
        assert any(re.fullmatch(pattern, text) for text in texts), template


def test_captions_read_well() -> None:
    """No empty slot, no doubled space, the right article, a sensible length."""
    rng = np.random.default_rng(0)
    alone = every_phrase()
    pairs = [(a, alone[int(rng.integers(len(alone)))]) for a in alone[::7]]
    texts = [caption({"phrases": [one]}, rng) for one in alone * 4]
    texts += [caption({"phrases": list(pair)}, rng) for pair in pairs]
    for text in texts:
        assert 15 < len(text) < 220, text
        assert not re.search(r"  |[{}]|,,|\. \.| [.,;]|^[ ,.;]", text), text
        assert not re.search(r"\ba(?= (?:[aeio8]|un))|\ban(?= (?!un)[^aeio8\W])", text, re.I), text
        assert not re.search(r"\b(\w+) \1\b", text), text


def test_a_caption_follows_from_its_facts_and_seed() -> None:
    facts = {"phrases": [phrase()]}
    first, again, other = (caption(facts, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert len(set(captions(phrase()))) > 200


def test_the_shares_that_do_not_name_the_instrument() -> None:
    texts = captions(phrase(), n=2_000)
    named = share(texts, r"\b(violon)?cello\b")
    family = share(texts, r"string instrument")
    assert named == pytest.approx(1 - FAMILY_ONLY - CHARACTER_ONLY, abs=0.03)
    assert family == pytest.approx(FAMILY_ONLY, abs=0.03)
    nameless = [text for text in texts if not re.search("cello|string instrument", text)]
    for text in nameless:
        assert re.search(r"low|deep", text), text
        assert re.search("|".join(WORDS["timbres"]["cello"]), text), text


@pytest.mark.parametrize("name", CLASSES)
def test_captions_name_their_own_class_and_no_other(name: str) -> None:
    """The class's own word is in many captions; no other class's is in any."""
    rng = np.random.default_rng(1)
    mine = [one for one in every_phrase() if one["class_name"] == name]
    texts = [caption({"phrases": [mine[i % len(mine)]]}, rng) for i in range(400)]
    own = {"voice": "voice|choir|singer|vocal", "saxophone": "sax", "synthesizer": "synth"}
    own |= {"violin": "violin|fiddle", "flute": "flute|piccolo", "drums": "drum|kit|taiko|toms"}
    own |= {"accordion": "accordion|squeezebox|bandoneon"}
    assert share(texts, own.get(name, name.rstrip("s"))) > 0.6
    # Drums and cymbals may name each other: "over snare and toms", "ticking on the hi-hat".
    others = [one for one in CLASSES if one != name and {one, name} != {"drums", "cymbals"}]
    for other in others:
        assert share(texts, rf"\b{other}\b") == 0, other


def test_two_instruments_are_both_named() -> None:
    drums = phrase(class_name="drums", program="standard kit", key="", figure="groove")
    flute = phrase(class_name="flute", program="flute")
    for pair in ((drums, flute), (flute, drums)):
        texts = captions(*pair)
        assert share(texts, r"drum.*flute|flute.*drum") == 1
        assert share(texts, "percussion|wind instrument") == 0


def test_register_tempo_loudness_and_place_follow_the_facts() -> None:
    low, high = captions(phrase()), captions(phrase(register="high"))
    assert share(low, r"\b(low|deep|low-pitched)\b") > 0.4
    assert share(low, r"\bhigh(-pitched)?\b") == 0
    assert share(high, r"\bhigh(-pitched)?\b") > 0.4
    slow, fast = captions(phrase()), captions(phrase(tempo_bpm=150))
    assert share(slow, r"\b(fast|quick|rapid|brisk)\b") == 0
    assert share(fast, r"\b(fast|quick|rapid|brisk)\b") > 0.2
    assert share(captions(phrase(dynamics="ff")), "quiet|soft|hushed|gentle") == 0
    assert share(captions(phrase(room="studio")), "hall|church|echo") == 0
    assert share(low, "hall|church|long reverberation") > 0.1
    assert share(captions(phrase(backing="organ")), r"with an organ in the background") > 0.03
    assert share(captions(phrase(recording="telephone")), "telephone|poor quality") > 0.03
    assert share(captions(phrase(snr_db=20.0)), "hiss") > 0.03
    assert share(low, "hiss|background|telephone|muffled") == 0


def test_speed_is_judged_by_ear() -> None:
    assert speed(phrase(tempo_bpm=72)) == "slow"
    assert speed(phrase(tempo_bpm=110)) == "medium"
    assert speed(phrase(tempo_bpm=150)) == "fast"
    assert speed(phrase(tempo_bpm=150, figure="held note")) == "slow"
    assert speed(phrase(tempo_bpm=72, figure="run")) == "fast"
    assert speed(phrase(tempo_bpm=72, articulation="tremolo")) == "fast"


def test_moods_follow_harmony_and_loudness() -> None:
    assert "sad" in moods(phrase())
    assert "calm" in moods(phrase())
    assert "joyful" in moods(phrase(key="E flat mixolydian", dynamics="f", tempo_bpm=110))
    assert "dramatic" in moods(phrase(key="C harmonic minor", dynamics="ff"))
    assert "driving" in moods(phrase(key="", dynamics="ff"))
    for key in ("A flat major", "F sharp dorian", "B minor"):
        for dynamics in ("pp", "mf", "ff"):
            assert len(moods(phrase(key=key, dynamics=dynamics))) >= 3
