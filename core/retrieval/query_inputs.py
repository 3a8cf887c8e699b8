"""Things to search with: what a person uploads or types, or an item of the collection, embedded.

A recording becomes one row of native vectors a second (or as long as the collection's items are),
a picture or a text one row, a video both. The encoders are the very ones that embedded the
collection, so an upload of an item gets the item's own vector.
"""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core import media
from core.clock import Clock
from core.encoder_sets import encoders_by_modality
from core.encoders import recordings
from core.encoders.base import Encoder
from core.errors import UserError
from core.stored_encoders import load_encoder, load_tuned
from core.study import Study

TUNED = "text, tuned"  # beside the encoders by modality
MAX_CHARACTERS = 5_000  # of a typed query
MAX_WINDOWS = 120  # of one recording; a longer one is sampled evenly, and the answer says so


@dataclass(frozen=True)
class QueryInput:
    """Something to search with, embedded: one row a window.

    `native` (k, d) float32; `starts_s` (k,) seconds into the recording; `loudness` (k,)
    RMS of each window (ones for pictures); `shared` keeps its vectors in the spaces it was
    carried into; `sampled` says that the recording was longer than
    `MAX_WINDOWS` seconds and only every so often a window was taken.
    """

    name: str
    modality: str
    native: np.ndarray
    starts_s: np.ndarray
    loudness: np.ndarray
    sampled: bool = False
    item_id: str = ""
    shared: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def weights(self) -> np.ndarray:
        """`(k,)`: how much each window counts in the whole; loud ones more, silence nothing."""
        total = float(self.loudness.sum())
        if total <= 0:
            return np.full(len(self.loudness), 1.0 / len(self.loudness))
        return np.asarray(self.loudness / total)


@dataclass(frozen=True)
class WeightedInput:
    """One thing in a blend: its weight (below 0: away from it), and one window or the whole."""

    thing: QueryInput
    weight: float = 1.0
    window: int | None = None


class Embedder:
    """The encoders of one encoder set of a study, loaded once and shared.

    Parameters
    ----------
    study : Study
    pair : str, optional
        "AUDIO+IMAGE" or with "+TEXT"; the study's first by default.
    weights_dir : Path, optional
        Where weights are looked for first; the folder that the study was made with by default.
    """

    def __init__(
        self, study: Study, encoder_set: str | None = None, weights_dir: Path | None = None
    ) -> None:
        self.study = study
        self.encoder_set = encoder_set or study.default_encoder_set
        self.encoder_names = encoders_by_modality(self.encoder_set)
        recorded = study.record.get("weights_dir")
        self.weights_dir = weights_dir or (Path(recorded) if recorded else None)
        self._encoders: dict[str, Encoder] = {}
        self._lock = threading.RLock()

    def encoder(self, modality: str) -> Encoder:
        """The encoder of a modality, the very one that embedded the collection.

        Raises
        ------
        UserError
            The study has none, brought its own vectors, or its weights are absent or changed.
        """
        if modality not in self.encoder_names:
            raise UserError(
                f"This study has no {modality}: ask with {' or '.join(self.encoder_names)}."
            )
        with self._lock:
            if modality not in self._encoders:
                self._encoders[modality] = self._load(modality)
            return self._encoders[modality]

    def native(self, thing: QueryInput, space: str) -> np.ndarray:
        """`(k, d)` float32: a thing's native vectors as a space takes them.

        Words enter the generation space through the text encoder that was fine-tuned for it, where
        one was.
        """
        if thing.modality != "text":
            return thing.native
        tuned = self.tuned_encoder(space)
        if tuned is None:
            return thing.native
        words = self.study.items().loc[thing.item_id, "text"] if thing.item_id else thing.name
        return tuned.embed([words])

    def tuned_encoder(self, space: str, split: int = 0) -> Encoder | None:
        """The text encoder that was fine-tuned for a space; None where none was."""
        if space != "generation":
            return None
        state = self.study.text_encoder_state(self.encoder_set, split)
        if state is None:
            return None
        key = f"{TUNED} {split}"
        with self._lock:
            if key not in self._encoders:
                name = self.encoder_names["text"]
                extracted = self.study.artefact(f"extract:{name}")
                self._encoders[key] = load_tuned(name, extracted, state, self.weights_dir)
            return self._encoders[key]

    def _load(self, modality: str) -> Encoder:
        name = self.encoder_names[modality]
        if name.startswith("ready_"):
            raise UserError(
                f"This study brought its own {modality} vectors, so nothing new can be embedded "
                "here: search with an item of the collection."
            )
        return load_encoder(name, self.study.artefact(f"extract:{name}"), self.weights_dir)

    def embed(
        self, source: media.Source, name: str, clock: Clock | None = None
    ) -> list[QueryInput]:
        """An uploaded file to things: one for a sound or picture, two for a video with sound.

        Raises
        ------
        MediaError
            The file cannot be taken in.
        UserError
            There is no encoder to embed it with.
        """
        clock = clock or Clock()
        with clock.time("decode"):
            kind = media.kind_of(source, name)
        if kind == "image":
            return [self._embed_picture(source, name, clock)]
        if kind == "audio":
            return [self._embed_sound(source, name, clock)]
        with clock.time("decode"):
            found = media.probe(source, name)
        things = [self._embed_frames(source, name, found.duration_s or 1.0, clock)]
        if found.has_audio:
            things.insert(0, self._embed_sound(source, name, clock))
        return things

    def embed_text(self, words: str, clock: Clock | None = None) -> QueryInput:
        """Typed words to a thing.

        Raises
        ------
        UserError
            There are no words, too many, or no text encoder.
        """
        clock = clock or Clock()
        words = " ".join(words.split())
        if not words:
            raise UserError("There are no words to search with: type what it should sound like.")
        if len(words) > MAX_CHARACTERS:
            raise UserError(
                f"The text has {len(words):,} characters: expected {MAX_CHARACTERS:,} at most, a "
                "few sentences."
            )
        encoder = self.encoder("text")
        with clock.time("embed"):
            native = encoder.embed([words])
        if not native.any():
            raise UserError(
                f"None of these words is among those that {encoder.card.name} knows: it was fitted "
                "on this collection's captions alone, so ask with words that stand there."
            )
        return QueryInput(words, "text", native, np.zeros(1), np.ones(1))

    def embed_item(self, item_id: str) -> QueryInput:
        """An item of the collection, by its stored vector.

        Raises
        ------
        UserError
            There is no such item, or it could not be embedded.
        """
        frame = self.study.items()
        if item_id not in frame.index:
            raise UserError(f"The collection has no item {item_id!r}.")
        row = frame.loc[item_id]
        try:
            native = self.study.native(self.encoder_names[row["modality"]]).take([item_id])
        except KeyError as error:
            raise UserError(
                f"The item {item_id!r} could not be embedded: see the report of `extract`."
            ) from error
        return QueryInput(
            name=item_id,
            modality=str(row["modality"]),
            native=native,
            starts_s=np.array([row["start_s"]]),
            loudness=np.ones(1),
            item_id=item_id,
        )

    def _embed_sound(self, source: media.Source, name: str, clock: Clock) -> QueryInput:
        encoder, item_s = self.encoder("audio"), self.study.item_s
        with clock.time("decode"):
            audio = media.read_audio(source, name, rate_hz=encoder.card.rate_hz)
            starts_s, samples = media.windows(audio, length_s=item_s, hop_s=item_s)
            n_windows = len(starts_s)
            keep = _spread(n_windows, MAX_WINDOWS)
            starts_s, samples = starts_s[keep], samples[keep]
        with clock.time("embed"):
            native = recordings.embed(encoder, list(samples))
        loudness = np.sqrt(np.mean(np.square(samples, dtype=np.float64), axis=1))
        return QueryInput(name, "audio", native, starts_s, loudness, sampled=len(keep) < n_windows)

    def _embed_picture(self, source: media.Source, name: str, clock: Clock) -> QueryInput:
        encoder = self.encoder("image")
        with clock.time("decode"):
            picture = media.read_image(source, name)
        with clock.time("embed"):
            native = encoder.embed([picture])
        return QueryInput(name, "image", native, np.zeros(1), np.ones(1))

    def _embed_frames(
        self, source: media.Source, name: str, duration_s: float, clock: Clock
    ) -> QueryInput:
        encoder = self.encoder("image")
        n_seconds = max(1, int(duration_s))
        starts_s = np.arange(n_seconds, dtype=np.float64)[_spread(n_seconds, MAX_WINDOWS // 4)]
        with clock.time("decode"):
            middle = min(0.5, duration_s / 2)
            frames = [media.read_frame(source, name, start + middle) for start in starts_s]
        with clock.time("embed"):
            native = encoder.embed(frames)
        sampled = len(starts_s) < n_seconds
        return QueryInput(name, "image", native, starts_s, np.ones(len(starts_s)), sampled)


def _spread(n: int, most: int) -> np.ndarray:
    """At most `most` of `n` rows, evenly spread."""
    if n <= most:
        return np.arange(n)
    return np.unique(np.linspace(0, n - 1, most).round().astype(int))
