"""Embed files, words and items of a collection, to search with them.

A recording becomes one vector per second (or per item length of the collection), a picture or a
text becomes one, a video both. The encoders are those that embedded the collection, so an uploaded
copy of an item gets the item's own vector.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from core import media
from core.clock import Clock
from core.encoder_sets import READY, encoders_by_modality
from core.encoders import recordings
from core.encoders.base import Encoder
from core.encoders.joined import encoders_of, join_of
from core.errors import UserError
from core.once import Once
from core.retrieval.query_inputs import QueryInput
from core.retrieval.slices import in_slices
from core.stored_encoders import load_encoder, load_tuned
from core.study import GENERATED, Study

MAX_CHARACTERS = 5_000  # of a typed query
MAX_WINDOWS = 120  # embedded windows of one recording; longer recordings are sampled evenly
MAX_FRAMES = 30  # embedded frames of one video
N_WINDOWS, N_PICTURES = 8, 4  # embedded in one slice
MAX_FRAME_BYTES = 200 << 20  # of their pixels: all 30 in full HD, eight in 4K


class Decoding(Protocol):
    """The functions of `core.media` that read a file."""

    def kind_of(self, source: media.Source, name: str) -> media.Kind: ...

    def probe(self, source: media.Source, name: str) -> media.Probe: ...

    def read_audio(
        self, source: media.Source, name: str, *, rate_hz: int | None
    ) -> media.Audio: ...

    def read_image(self, source: media.Source, name: str) -> np.ndarray: ...

    def read_frames(
        self, source: media.Source, name: str, times_s: Sequence[float]
    ) -> list[np.ndarray]: ...


class Embedder:
    """The encoders of one encoder set, loaded on first use; safe to share between threads.

    Parameters
    ----------
    study : the study that the encoders belong to
    encoder_set : "AUDIO+IMAGE" or "AUDIO+IMAGE+TEXT"; by default the study's first
    weights_dir : where weights are looked for first; by default the folder that the study used
    """

    def __init__(
        self, study: Study, encoder_set: str | None = None, weights_dir: Path | None = None
    ) -> None:
        self.study = study
        self.encoder_set = encoder_set or study.default_encoder_set
        self.encoder_names = encoders_by_modality(self.encoder_set)
        recorded = study.record.get("weights_dir")
        self.weights_dir = weights_dir or (Path(recorded) if recorded else None)
        self._once = Once()

    def encoder(self, modality: str) -> Encoder:
        """The encoder that embedded the items of a modality.

        Raises
        ------
        UserError
            The encoder set has none, or its weights are absent or differ.
        """
        name = self.encoder_names.get(modality)
        if name is None:
            raise UserError(
                f"The encoder set {self.encoder_set} has no {modality} encoder: search with "
                f"{' or '.join(self.encoder_names)} instead."
            )
        if name.startswith(READY):
            raise UserError(
                f"The {modality} vectors of this study came without an encoder, so new {modality} "
                "cannot be embedded: search with an item of the collection."
            )
        return self._once.get(
            ("encoder", name), lambda: load_encoder(name, self.study.extracted, self.weights_dir)
        )

    def tuned_encoder(self, space: str, split: int = 0) -> Encoder | None:
        """The text encoder that was fine-tuned for a space; None if there is none."""
        if space not in GENERATED:
            return None
        state = self.study.text_encoder_state(self.encoder_set, split, space)
        if state is None:
            return None
        name = self.encoder_names["text"]
        return self._once.get(
            ("tuned", name, split, space),
            lambda: load_tuned(name, self.study.extracted, state, self.weights_dir),
        )

    def native(self, query_input: QueryInput, space: str) -> np.ndarray:
        """`(k, d)` float32: the vectors that a space projects.

        A generation space reads words through the text encoder that was fine-tuned for it.
        """
        tuned = self.tuned_encoder(space) if query_input.modality == "text" else None
        if tuned is None:
            return query_input.native
        item_id = query_input.item_id
        return tuned.embed(
            [self.study.items().loc[item_id, "text"] if item_id else query_input.name]
        )

    def embed(
        self,
        source: media.Source,
        name: str,
        clock: Clock | None = None,
        decode: Decoding = media,
    ) -> list[QueryInput]:
        """Embed a file: one input for a sound or picture, sound and frames for a video.

        `decode` reads the file: `core.media` here, a `core.media.apart.Decoder` in a process of
        its own.

        Raises
        ------
        MediaError
            The file cannot be decoded.
        UserError
            There is no encoder for it.
        """
        clock = clock or Clock()
        with clock.time("decode"):
            kind = decode.kind_of(source, name)
        if kind == "image":
            return [self._embed_picture(source, name, clock, decode)]
        if kind == "audio":
            return [self._embed_sound(source, name, clock, decode)]
        with clock.time("decode"):
            probe = decode.probe(source, name)
        frames = self._embed_frames(source, name, probe, clock, decode)
        if not probe.has_audio:
            return [frames]
        return [self._embed_sound(source, name, clock, decode), frames]

    def embed_text(self, words: str, clock: Clock | None = None) -> QueryInput:
        """Embed typed words.

        Raises
        ------
        UserError
            There are no words, too many, none that the encoder knows, or no text encoder.
        """
        clock = clock or Clock()
        words = " ".join(words.split())
        if not words:
            raise UserError("There are no words to search with: type a description.")
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
                f"The text encoder {encoder.card.name} knows none of these words: it was fitted on "
                "the captions of this collection, so use words from them."
            )
        return QueryInput(words, "text", native)

    def embed_item(self, item_id: str) -> QueryInput:
        """The stored vector of an item of the collection.

        Raises
        ------
        UserError
            There is no such item, or it has no vector.
        """
        frame = self.study.items()
        if item_id not in frame.index:
            raise UserError(f"The collection has no item {item_id!r}.")
        modality = str(frame.loc[item_id, "modality"])
        try:
            native = self.study.native(self.encoder_names[modality]).take([item_id])
        except KeyError as error:
            raise UserError(
                f"The item {item_id!r} could not be embedded: see the report of `extract`."
            ) from error
        return QueryInput(item_id, modality, native, item_id=item_id)

    def _embed_sound(
        self, source: media.Source, name: str, clock: Clock, decode: Decoding
    ) -> QueryInput:
        encoder, item_s = self.encoder("audio"), self.study.item_s
        parts = encoders_of(encoder)
        cut = {}
        with clock.time("decode"):
            for rate_hz in dict.fromkeys(part.card.rate_hz for part in parts):
                audio = decode.read_audio(source, name, rate_hz=rate_hz)
                starts_s, cut[rate_hz] = media.windows(audio, length_s=item_s, hop_s=item_s)
        n_windows = min(len(windows) for windows in cut.values())  # rates differ in their rounding
        kept = evenly_spaced(n_windows, MAX_WINDOWS)
        sampled, starts_s = len(kept) < n_windows, starts_s[kept]
        cut = {rate_hz: windows[kept] for rate_hz, windows in cut.items()}
        with clock.time("embed"):
            blocks = [
                in_slices(
                    functools.partial(recordings.embed, part),
                    list(cut[part.card.rate_hz]),
                    N_WINDOWS,
                )
                for part in parts
            ]
            native = join_of(encoder, blocks)
        samples = next(iter(cut.values()))
        loudness = np.sqrt(np.mean(np.square(samples, dtype=np.float64), axis=1))
        return QueryInput(name, "audio", native, starts_s, loudness, sampled)

    def _embed_picture(
        self, source: media.Source, name: str, clock: Clock, decode: Decoding
    ) -> QueryInput:
        encoder = self.encoder("image")
        with clock.time("decode"):
            picture = decode.read_image(source, name)
        with clock.time("embed"):
            return QueryInput(name, "image", encoder.embed([picture]))

    def _embed_frames(
        self,
        source: media.Source,
        name: str,
        probe: media.Probe,
        clock: Clock,
        decode: Decoding,
    ) -> QueryInput:
        encoder, duration_s = self.encoder("image"), probe.duration_s or 1.0
        n_seconds = max(1, int(duration_s))
        n_bytes = 3 * (probe.width_px or 1) * (probe.height_px or 1)
        most = min(MAX_FRAMES, max(1, MAX_FRAME_BYTES // n_bytes))
        starts_s = evenly_spaced(n_seconds, most).astype(np.float64)
        with clock.time("decode"):
            middle_s = min(0.5, duration_s / 2)
            frames = decode.read_frames(source, name, list(starts_s + middle_s))
        with clock.time("embed"):
            native = in_slices(encoder.embed, frames, N_PICTURES)
        sampled = len(starts_s) < n_seconds
        return QueryInput(name, "image", native, starts_s, np.ones(len(starts_s)), sampled)


def evenly_spaced(n: int, most: int) -> np.ndarray:
    """At most `most` of `n` rows, evenly spaced, the first and last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))
