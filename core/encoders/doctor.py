"""A short examination of an encoder before it embeds a collection.

The encoder gets a few dozen plain media (`core.encoders.probes`). Sane vectors are finite, differ
between media, use more than a few directions, and are the same alone as in a batch. Encoders whose
answers are known (`fingerprints.json`: the cosines of the probe) must give these again; if not,
the probe is changed as a fault of preprocessing would undo it (rate, order of the channels, axes),
and the change that brings the known answers back names the fault.

    examine(encoder)    # [] for a sane encoder, else a Finding for each fault

`python -m tests.encoders.fingerprints` writes the fingerprints of the encoders at hand.
"""

import functools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from core.encoders import probes
from core.encoders.base import Encoder
from core.vectors import unit_rows

FILE = Path(__file__).with_name("fingerprints.json")
BUDGET_S = 2.5  # after this no further media are embedded
N_AT_ONCE, N_ALONE, N_REPAIR = 8, 2, 8
# Healthy encoders: mean cosine 0.10 to 0.55, effective rank 7 to 21, the largest share of variance
# in one number 0.05, values at the extreme 0.00. clap_text of larger_clap_music: 0.9993 (mteb issue
# 5069).
MOST_ALIKE, FEWEST_DIRECTIONS, MOST_IN_ONE, MOST_EXTREME = 0.95, 2.5, 0.9, 0.3
MOST_EMPTY = 0.25  # share of zero vectors
LENGTHS_RANGE = 1e4
TOLERANCE = 0.03  # of a cosine, between machines
EXPLAINS = 1.6  # a repair must bring the answers so many times nearer
RATES = (2.0, 0.5, 3.0, 1 / 3, 44_100 / 16_000, 16_000 / 44_100, 22_050 / 16_000, 16_000 / 22_050)
Repair = Callable[[Any], Any]


@dataclass(frozen=True)
class Finding:
    """A fault: its kind in a word, and what was found."""

    fault: str
    found: str


class Fingerprint(NamedTuple):
    """Known answers to the probe: cosines `(n, n)` and lengths `(n,)`."""

    cosines: np.ndarray
    lengths: np.ndarray


def examine(encoder: Encoder) -> list[Finding]:
    """The faults of an encoder, the plainest first; none for a sane one.

    It takes about `BUDGET_S`, and as long again where known answers do not come back.
    """
    media = probes.media(encoder.card)
    vectors = _embedded(encoder, media)
    media = media[: len(vectors)]
    found = of_vectors(vectors)
    if vectors.shape[1] != encoder.card.dim:
        text = f"gives {vectors.shape[1]:,} numbers where its card says {encoder.card.dim:,}"
        found.append(Finding("size", text))
    if not np.isfinite(vectors).all():
        return found
    if not found and not _is_steady(encoder, media, vectors):
        found.append(Finding("unsteady", "gives another vector for the same input"))
    known = fingerprint(encoder)
    if known and not found:
        off = _off(vectors, known, np.arange(len(vectors)))
        if off.max() > TOLERANCE:
            found.append(_named(encoder, media, known, off))
    return found


def sentence(name: str, found: Sequence[Finding]) -> str:
    """The findings as one sentence; "" for a sane encoder."""
    if not found:
        return ""
    what = ", and ".join(one.found for one in found)
    return (
        f"The encoder {name} {what}: check its weights and preprocessing before using its numbers."
    )


def of_vectors(vectors: np.ndarray) -> list[Finding]:
    """The faults that vectors `(n, d)` of different media show by themselves."""
    n = len(vectors)
    broken = int((~np.isfinite(vectors)).any(axis=1).sum())
    if broken:
        text = f"gives numbers that are not finite for {broken} of {n} media"
        return [Finding("not finite", text)]
    wide = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(wide, axis=1)
    empty = float((lengths == 0).mean())
    if empty > MOST_EMPTY:
        return [Finding("empty", f"gives zeros for {empty:.0%} of all media")]
    centred = wide - wide.mean(axis=0)
    spread = float(np.sqrt((centred**2).sum() / max((wide**2).sum(), 1e-300)))
    if spread < 1e-6:
        return [Finding("constant", "gives the same vector for all media")]
    found = []
    cosines = _cosines(wide)[~np.eye(n, dtype=bool)]
    energy = np.linalg.svd(centred, compute_uv=False) ** 2
    share = energy[energy > 0] / energy.sum()
    directions = float(np.exp(-(share * np.log(share)).sum()))
    variance = centred.var(axis=0)
    extreme = np.abs(wide).max()
    if variance.max() > MOST_IN_ONE * variance.sum() or (
        lengths.max() > LENGTHS_RANGE * max(lengths.min(), 1e-300)
    ):
        text = "is not normalised (one number, or one medium, outweighs all others)"
        found.append(Finding("unnormalised", text))
    elif cosines.mean() > MOST_ALIKE or directions < FEWEST_DIRECTIONS:
        text = (
            "is collapsed (different media have nearly the same vector, with a mean cosine of "
            f"{cosines.mean():.4f})"
        )
        found.append(Finding("collapsed", text))
    elif (at := float((np.abs(wide) > 0.999 * extreme).mean())) > MOST_EXTREME:
        found.append(Finding("saturated", f"is saturated ({at:.0%} of its numbers are extreme)"))
    return found


# -- known answers ---------------------------------------------------------------------------------


@functools.cache
def _known() -> dict[str, dict[str, Any]]:
    return dict(json.loads(FILE.read_text(encoding="utf-8"))) if FILE.exists() else {}


def fingerprint(encoder: Encoder) -> Fingerprint | None:
    """The known answers of an encoder of this version with these weights, or None."""
    known = _known().get(encoder.card.name)
    if known is None or [known["version"], known["weights_sha256"]] != _identity(encoder):
        return None
    n = len(known["lengths"])
    cosines = np.zeros((n, n))
    cosines[np.triu_indices(n, 1)] = known["cosines"]
    return Fingerprint(cosines + cosines.T + np.eye(n), np.array(known["lengths"]))


def fingerprint_of(encoder: Encoder) -> dict[str, Any]:
    """The answers of an encoder, to be kept in `fingerprints.json`."""
    vectors = encoder.embed(probes.media(encoder.card)).astype(np.float64)
    version, digest = _identity(encoder)
    cosines = _cosines(vectors)[np.triu_indices(len(vectors), 1)]
    return {
        "version": version,
        "weights_sha256": digest,
        "cosines": np.round(cosines, 3).tolist(),
        "lengths": [float(f"{one:.4g}") for one in np.linalg.norm(vectors, axis=1)],
    }


def _identity(encoder: Encoder) -> list[Any]:
    return [encoder.card.version, encoder.weights_sha256]


def _off(vectors: np.ndarray, known: Fingerprint, rows: np.ndarray) -> np.ndarray:
    """How far the vectors of some rows of the probe are from the known answers: `(k, k)`.

    Off the diagonal differences of cosines, on it half the logarithm of the ratio of lengths.
    """
    off = np.abs(_cosines(vectors) - known.cosines[np.ix_(rows, rows)])
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    ratio = np.maximum(lengths, 1e-12) / np.maximum(known.lengths[rows], 1e-12)
    np.fill_diagonal(off, np.abs(np.log(ratio)) / 2)
    return off


def _named(encoder: Encoder, media: Sequence[Any], known: Fingerprint, off: np.ndarray) -> Finding:
    """The fault that explains why the known answers do not come back, if one does.

    Repairs are tried on the media that are farthest off.
    """
    rows = np.sort(np.argsort(-off.mean(axis=1), kind="stable")[:N_REPAIR])

    def mean_off(repair: Repair) -> float:
        vectors = encoder.embed([repair(media[row]) for row in rows])
        return float(_off(vectors, known, rows).mean())

    least = mean_off(lambda one: one) / EXPLAINS
    finding = Finding("unlike", "does not give the vectors that it gave when it was checked")
    for fault, text, repair in _repairs(encoder.card.modality):
        after = mean_off(repair)
        if after < least:
            least, finding = after, Finding(fault, text)
    return finding


def _repairs(modality: str) -> list[tuple[str, str, Repair]]:
    """Faults of preprocessing, in words, and what undoes each."""
    if modality == "audio":
        return [
            (
                "rate",
                f"hears sounds too {'fast' if rate < 1 else 'slow'} (a wrong sample rate)",
                functools.partial(_stretched, rate=rate),
            )
            for rate in RATES
        ]
    if modality == "image":
        return [
            ("channels", "sees pictures with red and blue swapped", lambda one: one[..., ::-1]),
            ("axes", "sees pictures with their axes swapped", lambda one: one.swapaxes(0, 1)),
            ("upside down", "sees pictures upside down", lambda one: one[::-1]),
        ]
    return []


def _stretched(samples: np.ndarray, rate: float) -> np.ndarray:
    """The sound played `rate` times as fast: `(n / rate,)` float32."""
    from scipy.signal import resample

    return np.asarray(resample(samples, round(len(samples) / rate)), dtype=np.float32)


# -- the probe -------------------------------------------------------------------------------------


def _embedded(encoder: Encoder, media: Sequence[Any]) -> np.ndarray:
    """The vectors of the first media: at least `N_AT_ONCE`, then as many as the budget allows."""
    started, parts = time.monotonic(), []
    for at in range(0, len(media), N_AT_ONCE):
        parts.append(encoder.embed(media[at : at + N_AT_ONCE]))
        if time.monotonic() - started > BUDGET_S:
            break
    return np.concatenate(parts)


def _is_steady(encoder: Encoder, media: Sequence[Any], vectors: np.ndarray) -> bool:
    """Whether media embedded alone have the vectors that they had in a batch."""
    again = np.concatenate([encoder.embed([one]) for one in media[:N_ALONE]])
    scale = max(float(np.abs(vectors).max()), 1e-12)
    return bool(np.abs(again - vectors[:N_ALONE]).max() < 1e-2 * scale)


def _cosines(vectors: np.ndarray) -> np.ndarray:
    unit = unit_rows(vectors, np.float64)
    return np.asarray(unit @ unit.T)
