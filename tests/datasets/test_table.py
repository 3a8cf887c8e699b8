"""Tables of items: three formats, media or ready vectors, given subsets, and refused tables."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import items
from core.config import Config
from core.datasets.base import Ingested
from core.errors import UserError
from core.stages import table as stages
from core.store import Store
from core.study import open_study
from tests import media_samples, track_samples
from tests.precompute_runs import HereEngine


def ingest(path: Path, tmp_path: Path) -> Ingested:
    return track_samples.ingest(f"table:{path}", tmp_path)


def vector_rows(n: int = 6) -> pd.DataFrame:
    """Clips with both modalities, as ready vectors."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {
                "item_id": f"{modality}{number}",
                "clip_id": f"clip{number}",
                "modality": modality,
                "labels": ["cello", "flute"][number % 2],
                "vector": rng.random(dim).tolist(),
            }
            for number in range(n)
            for modality, dim in (("audio", 5), ("image", 7))
        ]
    )


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_ready_vectors_in_a_column(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"items.{suffix}"
    rows = vector_rows()
    if suffix == "parquet":
        rows.to_parquet(path)
    else:
        rows.to_json(path, orient="records", lines=True)
    found = ingest(path, tmp_path)
    assert found.paired_by == "clip"
    assert found.describe()["ready_vectors"] == {
        "audio": "ready.audio.npy",
        "image": "ready.image.npy",
    }
    assert {name: array.shape for name, array in found.vectors.items()} == {
        "audio": (6, 5),
        "image": (6, 7),
    }
    frame = found.items.set_index("item_id")
    wanted = rows.set_index("item_id").loc["image3", "vector"]
    row = frame.loc["image3", "vector_row"]
    assert found.vectors["image"][row] == pytest.approx(wanted)


def test_ready_vectors_beside_the_table(tmp_path: Path) -> None:
    rows = vector_rows()
    rows.drop(columns="vector").to_csv(tmp_path / "items.csv", index=False)
    for modality, frame in rows.groupby("modality"):
        turned = frame.iloc[::-1]
        np.save(tmp_path / f"{modality}.npy", np.stack(turned["vector"].tolist()))
        (tmp_path / f"{modality}.ids.csv").write_text("\n".join(turned["item_id"]) + "\n")
    found = ingest(tmp_path / "items.csv", tmp_path)
    row = found.items.set_index("item_id").loc["audio0", "vector_row"]
    wanted = rows.set_index("item_id").loc["audio0", "vector"]
    assert found.vectors["audio"][row] == pytest.approx(wanted)


def test_media_given_subsets_and_several_labels(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(
        media_samples.sound_bytes(media_samples.tone(300, 3.0), 44_100, "wav")
    )
    (tmp_path / "b.png").write_bytes(
        media_samples.picture_file(np.zeros((9, 9, 3), np.uint8), "png")
    )
    (tmp_path / "items.csv").write_text(
        "path,modality,clip_id,labels,start_s,subset\n"
        "a.wav,audio,c1,cello|flute,1.5,train\n"
        "b.png,image,c1,cello|flute,,train\n"
        "gone.wav,audio,c2,cello,0,test\n"
        "../a.wav,audio,c3,cello,0,test\n"
    )
    found = ingest(tmp_path / "items.csv", tmp_path)
    assert [list(labels) for labels in found.items["labels"]] == [["cello", "flute"]] * 2
    assert items.of(found.items, "audio")["start_s"].tolist() == [1.5]
    assert found.splits[["clip_id", "subset"]].to_numpy().tolist() == [["c1", "train"]]
    assert "no file 'gone.wav'" in found.rejected[0].reason
    assert "leaves the table's folder" in found.rejected[1].reason


def write_tones(root: Path, n: int) -> None:
    for number in range(n):
        samples = media_samples.tone(200 + 40 * number, 1.5, 8_000)
        (root / f"{number}.wav").write_bytes(media_samples.sound_bytes(samples, 8_000, "wav"))


def test_texts_of_a_clip_are_pairs_and_take_part_in_splits(tmp_path: Path) -> None:
    """Sounds and words without a picture; some clips with a label, some with none."""
    write_tones(tmp_path, 8)
    rows = [
        {"clip_id": f"c{n}", "labels": ["low", "high", ""][n % 3]} | own
        for n in range(8)
        for own in (
            {"modality": "audio", "path": f"{n}.wav", "duration_s": "1.5"},
            {"modality": "text", "text": f"tone number {n} <b>&</b> שלום"},
        )
    ]
    rows.append({"clip_id": "c9", "modality": "text", "text": "  "})
    pd.DataFrame(rows).to_csv(tmp_path / "items.csv", index=False)
    found = ingest(tmp_path / "items.csv", tmp_path)
    assert found.paired_by == "clip"
    assert found.notes == []
    assert len(items.pairs(found.items, "audio", "text", "clip")) == 8
    assert items.of(found.items, "audio")["duration_s"].tolist() == [1.5] * 8
    texts = items.of(found.items, "text")
    assert texts["text"].iloc[3] == "tone number 3 <b>&</b> שלום"
    assert "text without words" in found.rejected[0].reason
    for split in range(5):
        frame = items.with_subset(found.items, found.splits, split)
        assert set(frame["subset"]) == {"translation", "train", "test"}
        assert frame.groupby("clip_id")["subset"].nunique().max() == 1
        assert (frame["subset"][frame["labels"].str.len() == 0] == "translation").any()


def test_texts_without_a_clip_are_paired_by_class_or_reported(tmp_path: Path) -> None:
    write_tones(tmp_path, 4)
    labels = ["low", "low", "high", "high"]
    sounds = [
        {"modality": "audio", "path": f"{n}.wav", "labels": label} for n, label in enumerate(labels)
    ]
    texts = [{"modality": "text", "text": f"a {label} tone", "labels": label} for label in labels]
    pd.DataFrame([*sounds, *texts]).to_csv(tmp_path / "items.csv", index=False)
    found = ingest(tmp_path / "items.csv", tmp_path)
    assert found.paired_by == "class"
    assert found.classes == ["high", "low"]
    assert "paired within each class" in found.notes[0]
    assert len(items.pairs(found.items, "audio", "text", "class")) == 4
    picture = media_samples.picture_file(np.zeros((9, 9, 3), np.uint8), "png")
    (tmp_path / "a.png").write_bytes(picture)
    pictures = [{"modality": "image", "path": "a.png", "clip_id": "0.wav", "labels": "low"}]
    pd.DataFrame([*sounds, *texts, *pictures]).to_csv(tmp_path / "items.csv", index=False)
    found = ingest(tmp_path / "items.csv", tmp_path)
    assert found.paired_by == "clip"
    assert "modality text shares its clip" in found.notes[0]
    assert "--text none" in found.notes[0]


def test_a_table_of_sounds_and_texts_is_studied(tmp_path: Path) -> None:
    """Given subsets and texts, through the stages up to the numbers."""
    write_tones(tmp_path, 24)
    rows = [
        {"clip_id": f"c{n}", "labels": name, "subset": "test" if n % 4 == 0 else "translation"}
        | own
        for n in range(24)
        for name in ["low" if n < 12 else "high"]
        for own in (
            {"modality": "audio", "path": f"{n}.wav"},
            {"modality": "text", "text": f"a {name} tone, number {n}"},
        )
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "items.csv", index=False)
    config = Config(f"table:{tmp_path / 'items.csv'}", audio=("logmel",), text=("lsa",))
    store = Store(tmp_path / "workspace")
    with HereEngine() as engine:
        stages.run(replace(config, n_bootstrap=20), store, engine, until="evaluate")
    measured = open_study(store).measurements()
    ranked = measured[(measured["study"] == "ranking") & (measured["metric"] == "recall@10")]
    assert set(ranked["direction"]) == {"audio_to_text", "text_to_audio"}
    assert set(ranked["gallery_size"]) == {6}
    tagged = measured[(measured["study"] == "zero_shot") & (measured["metric"] == "accuracy")]
    assert set(tagged["n"]) == {6}


def test_an_impossible_start_or_length_is_rejected(tmp_path: Path) -> None:
    write_tones(tmp_path, 2)
    (tmp_path / "items.csv").write_text(
        "path,modality,start_s,duration_s\n0.wav,audio,-1,1\n1.wav,audio,0,0\n1.wav,audio,0.5,\n"
    )
    found = ingest(tmp_path / "items.csv", tmp_path)
    assert [row.reason.count("expected a start of 0 or more") for row in found.rejected] == [1, 1]
    assert found.items["duration_s"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,kind\na.wav,audio\n", "at least `modality`"),
        ("modality,subset\naudio,holiday\n", "subset 'holiday'"),
        ("modality,path\naudio,\n", "neither a path nor a ready vector"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "items.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        ingest(path, tmp_path)


def test_a_clip_in_two_subsets_is_refused(tmp_path: Path) -> None:
    rows = vector_rows()
    rows["subset"] = ["train", "test"] * 6
    rows.to_parquet(tmp_path / "items.parquet")
    with pytest.raises(UserError, match=r"'clip0' is in 2 subsets.*disjoint by clip"):
        ingest(tmp_path / "items.parquet", tmp_path)


def test_vectors_of_unequal_length_or_with_nan_are_refused(tmp_path: Path) -> None:
    rows = vector_rows()
    rows.at[0, "vector"] = [1.0]
    rows.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"audio vectors of a.parquet have lengths from 1 to 5"):
        ingest(tmp_path / "a.parquet", tmp_path)
    rows.at[0, "vector"] = [float("nan")] * 5
    rows.to_parquet(tmp_path / "b.parquet")
    with pytest.raises(UserError, match=r"contain NaN or infinite"):
        ingest(tmp_path / "b.parquet", tmp_path)


def test_ids_and_rows_must_agree(tmp_path: Path) -> None:
    vector_rows().drop(columns="vector").to_csv(tmp_path / "items.csv", index=False)
    np.save(tmp_path / "audio.npy", np.zeros((3, 4)))
    (tmp_path / "audio.ids.csv").write_text("audio0\naudio1\n")
    with pytest.raises(UserError, match=r"shape \(3, 4\) and audio.ids.csv 2 ids"):
        ingest(tmp_path / "items.csv", tmp_path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"is not a table: expected .* .csv, .tsv, .parquet"):
        ingest(tmp_path / "x.xlsx", tmp_path)
