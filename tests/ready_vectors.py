"""A small dataset of ready vectors, for studies without encoders."""

from pathlib import Path

import numpy as np
import pandas as pd


def write_table(folder: Path) -> Path:
    """`items.parquet`: 48 clips with sound and picture, 6-d vectors around 3 class centres."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((3, 6))
    rows = [
        {
            "item_id": f"{modality}{number}",
            "clip_id": f"clip{number}",
            "modality": modality,
            "labels": ["cello", "flute", "organ"][number % 3],
            "vector": (centres[number % 3] + 0.3 * rng.standard_normal(6)).tolist(),
        }
        for number in range(48)
        for modality in ("audio", "image")
    ]
    path = folder / "items.parquet"
    pd.DataFrame(rows).to_parquet(path)
    return path
