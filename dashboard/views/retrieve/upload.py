"""A file that a person brought: its vectors, and its sound and pictures for the page."""

import io
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from core import media
from core.clock import Clock
from core.media import apart, formats
from core.retrieval.query_inputs import QueryInput
from dashboard import data, session

T = TypeVar("T")
MAX_EMBEDDED = 24  # files and encoder sets whose vectors a session keeps
MAX_DECODED = 60  # decoded sounds and pictures that it keeps
PLAYED_S = 120.0  # of a sound that a browser cannot play as it is
PLAYABLE = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mp3": "audio/mpeg",
    "mp4": "audio/mp4",
    "matroska": "audio/webm",
}


@dataclass
class Upload:
    """A file of one session, with its weight in the query.

    `second`: the second that is searched with, None for all. `use`: what of a video is searched
    with: "both", "sound" or "frames".
    """

    key: str
    name: str
    kind: str
    content: bytes
    weight: float = 1.0
    second: float | None = None
    use: str = "both"
    has_sound: bool = False

    def embedded(
        self, handle: data.Handle, encoder_set: str
    ) -> tuple[list[QueryInput], dict[str, float]]:
        """Its query inputs and the milliseconds that embedding took, embedded once.

        Raises
        ------
        UserError
            The file cannot be decoded, or there is no encoder for it.
        """

        def make() -> tuple[list[QueryInput], dict[str, float]]:
            clock = Clock()
            retriever = data.retriever(handle, encoder_set)
            with apart.Decoder() as decoder:
                inputs = retriever.embed(self.content, self.name, clock, decoder)
            return inputs, dict(clock.ms)

        key = (self.key, handle.root, handle.digest, encoder_set)
        found = session.once("query_embedded", key, make, MAX_EMBEDDED)
        self.has_sound = any(one.modality == "audio" for one in found[0])
        return found

    def window(self, query_input: QueryInput) -> int | None:
        """The window at the chosen second; None for all, or if there is only one."""
        if self.second is None or len(query_input.starts_s) < 2:
            return None
        return int(np.argmin(np.abs(query_input.starts_s - self.second)))

    def once(self, key: tuple[Hashable, ...], make: Callable[[], T]) -> T:
        """A decoded part of the file, made on first use."""
        return session.once("query_decoded", (self.key, *key), make, MAX_DECODED)

    def playable(self) -> tuple[bytes, str]:
        """Its sound for a player and the MIME type: the chosen second, or all of it.

        Raises
        ------
        MediaError
            It cannot be decoded.
        """
        if self.second is not None:
            return media.wav_bytes(self.sound(self.second, 1.0)), "audio/wav"
        mime = PLAYABLE.get(formats.sniff(io.BytesIO(self.content), self.name), "")
        if mime:
            return self.content, mime
        return media.wav_bytes(self.sound(0.0, PLAYED_S)), "audio/wav"

    def sound(self, start_s: float, duration_s: float) -> media.Audio:
        """A part of its sound at 22,050 Hz."""

        def make() -> media.Audio:
            part = {"rate_hz": 22_050, "start_s": start_s, "duration_s": duration_s}
            with apart.Decoder() as decoder:
                return decoder.read_audio(self.content, self.name, **part)

        return self.once(("sound", start_s, duration_s), make)

    def picture(self, at_s: float = 0.0, side_px: int = 480) -> bytes:
        """The picture, or a frame of the video, as a small JPEG.

        Raises
        ------
        MediaError
            It cannot be decoded.
        """

        def make() -> bytes:
            with apart.Decoder() as decoder:
                if self.kind == "video":
                    pixels = decoder.read_frame(self.content, self.name, at_s)
                else:
                    pixels = decoder.read_image(self.content, self.name)
            return media.picture_bytes(pixels, side_px)

        return self.once(("picture", at_s, side_px), make)
