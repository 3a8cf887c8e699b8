"""The encoder doctor finds and names every injected fault, and accuses no healthy encoder."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import encoders
from core.encoders import doctor, probes
from core.encoders.base import Encoder

Media = Sequence[Any]


class Faulty:
    """An encoder with a fault before its input or after its output."""

    def __init__(
        self,
        sane: Encoder,
        before: Callable[[Any], Any] | None = None,
        after: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.sane, self.before, self.after = sane, before, after
        self.card, self.weights_sha256 = sane.card, sane.weights_sha256

    def embed(self, media: Media) -> np.ndarray:
        vectors = self.sane.embed([self.before(one) for one in media] if self.before else media)
        return self.after(vectors) if self.after else vectors


def heard_at(rate: float) -> Callable[[np.ndarray], np.ndarray]:
    """Samples read as if they had another rate: everything is `rate` times as fast."""
    return lambda samples: np.interp(
        np.arange(0, len(samples) - 1, rate), np.arange(len(samples)), samples
    ).astype(np.float32)


def like_clap(vectors: np.ndarray) -> np.ndarray:
    """All vectors in one narrow cone: a mean cosine of about 0.999."""
    centre = np.ones(vectors.shape[1]) / np.sqrt(vectors.shape[1])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (30 * lengths * centre + vectors).astype(np.float32)


def nearly_constant(vectors: np.ndarray) -> np.ndarray:
    return (1 + 1e-3 * vectors).astype(np.float32)


def one_outweighs(vectors: np.ndarray) -> np.ndarray:
    found = vectors.copy()
    found[:, 0] = 1e4 * vectors[:, :50].sum(axis=1)
    return found


def not_finite(vectors: np.ndarray) -> np.ndarray:
    found = vectors.copy()
    found[0, :3] = np.nan
    return found


def noisy(vectors: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng()
    return (vectors + vectors.std() * rng.normal(size=vectors.shape)).astype(np.float32)


def in_its_batch(vectors: np.ndarray) -> np.ndarray:
    return (vectors - vectors.mean(axis=0)).astype(np.float32)


def extreme(vectors: np.ndarray) -> np.ndarray:
    return np.tanh(1e4 * (vectors - np.median(vectors))).astype(np.float32)


FAULTS: dict[str, tuple[str, Any, Any, str]] = {  # encoder, before, after, the fault that is named
    "constant sounds": ("logmel", None, np.ones_like, "constant"),
    "collapsed sounds": ("logmel", None, like_clap, "collapsed"),
    "twice as fast": ("logmel", heard_at(2.0), None, "rate"),
    "half as fast": ("logmel", heard_at(0.5), None, "rate"),
    "16 kHz read as 22.05 kHz": ("logmel", heard_at(22_050 / 16_000), None, "rate"),
    "44.1 kHz read as 16 kHz": ("logmel", heard_at(16_000 / 44_100), None, "rate"),
    "clipped": ("logmel", lambda s: np.clip(s * 1e4, -1, 1).astype(np.float32), None, "unlike"),
    "muted": ("logmel", lambda s: s * 0, None, "constant"),
    "not finite": ("logmel", None, not_finite, "not finite"),
    "random": ("logmel", None, noisy, "unsteady"),
    "saturated": ("logmel", None, extreme, "saturated"),
    "red and blue swapped": ("hog", lambda p: p[..., ::-1], None, "channels"),
    "axes swapped": ("hog", lambda p: p.swapaxes(0, 1), None, "axes"),
    "upside down": ("hog", lambda p: p[::-1], None, "upside down"),
    "scaled twice": ("hog", lambda p: p // 255, None, ""),
    "without colours": ("hog", lambda p: np.repeat(p[..., 1:2], 3, 2), None, "unlike"),
    "one number outweighs": ("hog", None, one_outweighs, "unnormalised"),
    "normalised by its batch": ("hog", None, in_its_batch, "unsteady"),
    "collapsed texts": ("minilm", None, like_clap, "collapsed"),
    "texts nearly constant": ("minilm", None, nearly_constant, "collapsed"),
    "texts without words": ("minilm", lambda _: "", None, "constant"),
    "lengths lost": ("minilm", None, lambda v: 7 * v, "unlike"),
    "empty": ("minilm", None, lambda v: v * (np.arange(len(v)) % 2)[:, None], "empty"),
}


def loaded(name: str, shared_dir: Path | None = None) -> Encoder:
    folder = shared_dir / "weights" if shared_dir else None
    if not encoders.present(name, folder):
        pytest.skip(f"the weights of {name} are not on this machine")
    return encoders.load(name, folder)


def test_at_least_twenty_faults_are_injected() -> None:
    assert len(FAULTS) >= 20


@pytest.mark.parametrize("fault", FAULTS)
def test_every_injected_fault_is_found_and_named(fault: str) -> None:
    name, before, after, expected = FAULTS[fault]
    encoder = Faulty(loaded(name), before, after)
    found = doctor.examine(encoder)
    assert found, fault
    assert expected in {one.fault for one in found} | {""}
    told = doctor.sentence(name, found)
    assert told.startswith(f"The encoder {name} ")
    assert told.count(".") - told.count("0.") <= 2  # one sentence


HEALTHY = [name for name in encoders.names() if not encoders.card(name).fitted]


@pytest.mark.parametrize("name", HEALTHY)
def test_no_healthy_encoder_is_accused(name: str, shared_dir: Path) -> None:
    encoder = loaded(name, shared_dir)
    encoder.embed(probes.media(encoder.card)[:1])  # what loads late
    started = time.process_time()
    assert doctor.examine(encoder) == []
    assert time.process_time() - started < 5.0


@pytest.mark.parametrize("name", HEALTHY)
def test_encoders_at_hand_have_current_fingerprints(name: str, shared_dir: Path) -> None:
    encoder = loaded(name, shared_dir)
    assert doctor.fingerprint(encoder) is not None, "run python -m tests.encoders.fingerprints"


@pytest.mark.parametrize(
    ("name", "before", "expected"),
    [
        ("yamnet_lite", heard_at(22_050 / 16_000), "rate"),
        ("mobilenet_v2_lite", lambda picture: picture[..., ::-1], "channels"),
        ("efficientnet_lite0", lambda picture: picture[..., ::-1], "channels"),
    ],
)
def test_faults_of_networks_are_named(
    name: str, before: Callable[[Any], Any], expected: str, shared_dir: Path
) -> None:
    found = doctor.examine(Faulty(loaded(name, shared_dir), before))
    assert [one.fault for one in found] == [expected]


def test_without_known_answers_an_encoder_is_judged_by_its_vectors_alone() -> None:
    encoder = Faulty(loaded("hog"), lambda picture: picture[..., ::-1])
    encoder.weights_sha256 = "another build"
    assert doctor.fingerprint(encoder) is None
    assert doctor.examine(encoder) == []
    encoder.after = like_clap
    assert [one.fault for one in doctor.examine(encoder)] == ["collapsed"]


def test_the_probe_is_the_same_in_every_run_and_sounds_alike_at_every_rate() -> None:
    card = encoders.card("logmel")
    for one, other in zip(probes.media(card), probes.media(card), strict=True):
        np.testing.assert_array_equal(one, other)
    for slow, fast in zip(probes.sounds(16_000), probes.sounds(32_000), strict=True):
        assert np.abs(slow).max() <= 0.5 + 1e-6
        same = np.corrcoef(slow[:8_000], fast[:16_000:2])[0, 1]
        assert same > 0.98
