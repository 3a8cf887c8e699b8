"""The items of the tests' workspace: five classes with 14 clips each, and their media files.

The last class has sounds only.
"""

import io
import json
import wave

import numpy as np
import pandas as pd

from core import items

CLASSES = ["accordion", "banjo", "cello <b>&amp;", "drums | *x*", "voice"]
PAIRED = CLASSES[:4]
N_CLIPS = 14
RATE_HZ = 16_000


def item_table(kinds: tuple[str, ...] = ("audio", "image")) -> pd.DataFrame:
    rows = []
    for number, name in enumerate(CLASSES):
        for clip in range(N_CLIPS):
            clip_id = f"clip{number}_{clip:02d}"
            labels = (name, CLASSES[0]) if number == 1 and clip == 0 else (name,)
            facts = json.dumps({"programme": "a <i>test</i>"})
            rows.append(
                items.Item(f"{clip_id}_a", clip_id, "audio", labels, f"{clip_id}.wav", facts=facts)
            )
            if name in PAIRED:
                rows.append(items.Item(f"{clip_id}_i", clip_id, "image", labels, f"{clip_id}.png"))
                words = f"someone plays <i>the</i> {name}, take {clip}"
                rows.append(items.Item(f"{clip_id}_t", clip_id, "text", labels, text=words))
    return items.table(row for row in rows if row.modality in kinds)


def split_table(frame: pd.DataFrame, n_splits: int) -> pd.DataFrame:
    shares = {"translation": 0.4, "crossmodal": 0.2, "train": 0.2, "test": 0.2}
    single = items.single_labels(frame)
    class_of = {
        clip: name for clip, name in zip(frame["clip_id"], single, strict=True) if name in PAIRED
    }
    return items.split_table(
        [items.split_by_clip(class_of, shares, seed) for seed in range(n_splits)]
    )


def wav(number: int) -> bytes:
    """One second of a sine; the pitch depends on the class."""
    time_s = np.arange(RATE_HZ) / RATE_HZ
    samples = 0.4 * np.sin(2 * np.pi * 220 * (number + 1) * time_s) * np.exp(-3 * time_s)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def png(number: int) -> bytes:
    """A picture of one colour, which depends on the class."""
    from PIL import Image

    buffer = io.BytesIO()
    colour = (40 * number + 30, 200 - 35 * number, (90 * number) % 255)
    Image.new("RGB", (96, 72), colour).save(buffer, "PNG")
    return buffer.getvalue()
