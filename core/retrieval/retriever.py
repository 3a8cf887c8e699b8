"""One thing that a person brings -> vectors -> neighbours, class scores, a place on the map.

The page and `precompute search` both come through here, so that they give the same list. A
thing (a recording, a picture, a video, an item of the collection) is embedded once into its
encoder's native space; every space is then reached by the saved fits, and nothing is refitted.
Long sounds and videos are cut into one-second windows. A query is one thing, or a blend of
several with weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from core.clock import Clock
from core.errors import UserError
from core.retrieval.query_inputs import Embedder, QueryInput, WeightedInput
from core.spaces import index, maps
from core.study import Study
from core.vectors import unit_rows

DEFAULT_SPACE = "translation_all"
N_BACKGROUND = 4_096  # random pairs behind percentiles
SYSTEMS = {
    "audio": ("SMA", "MMP", "MMT"),
    "image": ("SMI", "MMP", "MMT"),
    "text": ("MMT",),  # the forest never saw words: their class through the shared space alone
}
SPACE_OF = {"SMA": "pca", "SMI": "pca", "MMP": "pca", "MMT": "translation"}


@dataclass(frozen=True)
class Answer:
    """Neighbours with their scale, and where the time went.

    `results`: `item_id, clip_id, modality, labels, path, text, score, percentile` best first.
    `score` is cosine; `percentile` the share of random pairs of these two modalities that
    score lower, in percent; `median_score` what the median random pair scores.
    """

    results: pd.DataFrame
    gallery_size: int
    median_score: float
    vector: np.ndarray
    timings_ms: dict[str, float]


class Nearest(NamedTuple):
    """`item_ids (q, k) str` and `scores (q, k) float32` (cosine), best first; how many items
    the filters left to search."""

    item_ids: np.ndarray
    scores: np.ndarray
    gallery_size: int


class Filters(NamedTuple):
    """Which items of a gallery are searched; an empty field filters nothing.

    `classes`: items with one of these labels. `subsets`: items of one of these subsets.
    `leave_out`: clips that are not searched, such as the query's own.
    """

    classes: Sequence[str] = ()
    subsets: Sequence[str] = ()
    leave_out: Sequence[str] = ()


NO_FILTERS = Filters()


class Retriever(Embedder):
    """Indexes and fits beside the encoders of one encoder set, loaded once and shared."""

    def __init__(
        self, study: Study, encoder_set: str | None = None, weights_dir: Path | None = None
    ) -> None:
        super().__init__(study, encoder_set, weights_dir)
        self._indexes: dict[tuple[str, str, int], index.Index] = {}
        self._backgrounds: dict[tuple[str, str, str, int], np.ndarray] = {}
        self._maps: dict[tuple[str, str, int], pd.DataFrame] = {}

    # -- searching -----------------------------------------------------------------------------

    def project(self, part: WeightedInput, space: str) -> np.ndarray:
        """`(d,)` unit float32: one part in a space, its windows averaged by loudness."""
        shared = self.project_windows(part.thing, space)
        if part.window is not None:
            return np.asarray(shared[part.window])
        return unit_rows(part.thing.weights @ shared)

    def project_windows(self, thing: QueryInput, space: str) -> np.ndarray:
        """`(k, d)` unit float32: every window of a thing in a space."""
        return unit_rows(self.projected(thing, space))

    def projected(self, thing: QueryInput, space: str) -> np.ndarray:
        """`(k, d)` float32: every window as the space gives it, computed once for a thing."""
        key = (self.study.digest, self.encoder_set, space)
        if key not in thing.shared:
            fit = self.study.space(self.encoder_set, space)
            thing.shared[key] = fit.project(thing.modality, self.native(thing, space))
        return thing.shared[key]

    def blend(self, parts: Sequence[WeightedInput], space: str) -> np.ndarray:
        """`(d,)` unit float32: the weighted sum of the parts' unit vectors.

        Raises
        ------
        UserError
            There are no parts, or they cancel out.
        """
        if not parts:
            raise UserError("There is nothing to search with: add a sound, a picture or an item.")
        total = sum(part.weight * self.project(part, space) for part in parts)
        if float(np.linalg.norm(total)) < 1e-6:
            raise UserError("The parts of this blend cancel out: give them other weights.")
        return unit_rows(np.asarray(total))

    def search(
        self,
        parts: Sequence[WeightedInput],
        modality: str,
        top: int = 10,
        space: str = DEFAULT_SPACE,
        filters: Filters = NO_FILTERS,
        clock: Clock | None = None,
    ) -> Answer:
        """The nearest items of one modality.

        Parameters
        ----------
        parts : the blend
        modality : "audio", "image" or "text", what to find
        top : how many results
        space : one of `core.study.SPACES`
        filters : which items are searched

        Raises
        ------
        UserError
            The modality or space is unknown, or the filters leave nothing.
        """
        clock = clock or Clock()
        if modality not in self.encoder_names:
            known = ", ".join(self.encoder_names)
            raise UserError(f"There is no modality {modality!r} to find: expected one of {known}.")
        with clock.time("project"):
            vector = self.blend(parts, space)
        with clock.time("search"):
            found = self.nearest(vector, modality, top, space, filters)
            scores = found.scores[0]
        with clock.time("score"):
            background = self.background(parts[0].thing.modality, modality, space)
            results = self._describe(found.item_ids[0])
            results["score"] = scores
            results["percentile"] = index.percentile(scores, background)
        return Answer(
            results=results,
            gallery_size=found.gallery_size,
            median_score=float(np.median(background)),
            vector=vector,
            timings_ms={step: round(ms, 2) for step, ms in clock.ms.items()},
        )

    def nearest(
        self,
        vectors: np.ndarray,
        modality: str,
        top: int,
        space: str = DEFAULT_SPACE,
        filters: Filters = NO_FILTERS,
        split: int = 0,
    ) -> Nearest:
        """The nearest items of one modality to vectors `(d,)` or `(q, d)` of a space.

        Raises
        ------
        UserError
            The filters leave nothing.
        """
        gallery = self.study.shared(self.encoder_set, space, modality, split)
        allowed = self._allowed(gallery.item_ids, filters, split)
        n_allowed = len(gallery.item_ids) if allowed is None else int(allowed.sum())
        if n_allowed == 0:
            raise UserError("No item of the collection fits these filters: widen them.")
        rows, scores = self._index(space, modality, split).search(vectors, top, allowed)
        return Nearest(gallery.item_ids[rows], scores, n_allowed)

    def neighbours(
        self, item_id: str, modality: str, top: int, space: str = DEFAULT_SPACE, split: int = 0
    ) -> pd.DataFrame:
        """The items of one modality nearest to an item of the collection, without the item.

        Returns `item_id, score, percentile`, best first; see `Answer` for the last two.

        Raises
        ------
        KeyError
            The item has no vector in the space.
        """
        own = str(self.study.items().loc[item_id, "modality"])
        vector = self.study.shared(self.encoder_set, space, own, split).take([item_id])[0]
        found = self.nearest(vector, modality, top + (own == modality), space, split=split)
        table = pd.DataFrame({"item_id": found.item_ids[0], "score": found.scores[0]})
        table = table[table["item_id"] != item_id].head(top).reset_index(drop=True)
        background = self.background(own, modality, space, split)
        return table.assign(percentile=index.percentile(table["score"].to_numpy(), background))

    def _allowed(self, item_ids: np.ndarray, filters: Filters, split: int) -> np.ndarray | None:
        """`(n,) bool`: the items that pass the filters; None where there is no filter."""
        if not any(filters):
            return None
        frame = self.study.items(split).loc[item_ids]
        allowed = np.ones(len(frame), dtype=bool)
        if filters.classes:
            wanted = set(filters.classes)
            allowed &= frame["labels"].map(lambda labels: bool(wanted & set(labels))).to_numpy()
        if filters.subsets:
            allowed &= frame["subset"].isin(list(filters.subsets)).to_numpy()
        if filters.leave_out:
            allowed &= ~frame["clip_id"].isin(list(filters.leave_out)).to_numpy()
        return allowed

    def _index(self, space: str, modality: str, split: int = 0) -> index.Index:
        with self._lock:
            key = (space, modality, split)
            if key not in self._indexes:
                gallery = self.study.shared(self.encoder_set, space, modality, split)
                self._indexes[key] = index.Index(gallery.array)
            return self._indexes[key]

    def background(self, query: str, modality: str, space: str, split: int = 0) -> np.ndarray:
        """`(n,)` sorted cosines of random pairs of two modalities: the scale of percentiles."""
        with self._lock:
            key = (query, modality, space, split)
            if key not in self._backgrounds:
                left, right = (
                    self.study.shared(self.encoder_set, space, name, split).array
                    for name in (query, modality)
                )
                self._backgrounds[key] = index.random_pair_scores(
                    left, right, n_pairs=N_BACKGROUND, seed=0
                )
            return self._backgrounds[key]

    def _describe(self, item_ids: np.ndarray) -> pd.DataFrame:
        columns = ["item_id", "clip_id", "modality", "labels", "path", "text"]
        return self.study.items().loc[item_ids, columns].reset_index(drop=True)

    # -- what else is known of a query ---------------------------------------------------------

    def class_scores(self, part: WeightedInput) -> pd.DataFrame:
        """`system, class, score`: what each trained system says of one part.

        Windows are averaged by loudness. The systems are those of the first split, trained on
        its `train` subset; a study without both sounds and pictures has none.
        """
        frames = [pd.DataFrame({"system": [], "class": [], "score": []}).astype({"score": float})]
        if not self.study.has_audio_and_image(self.encoder_set):
            return frames[0]
        for system in SYSTEMS[part.thing.modality]:
            forest = self.study.forest(self.encoder_set, system)
            shared = self.projected(part.thing, SPACE_OF[system])
            if part.window is None:
                scores = part.thing.weights @ forest.predict_proba(shared)
            else:
                scores = forest.predict_proba(shared[part.window : part.window + 1])[0]
            frames.append(
                pd.DataFrame(
                    {"system": system, "class": self.study.paired_classes, "score": scores}
                )
            )
        return pd.concat(frames, ignore_index=True)

    def place(
        self, parts: Sequence[WeightedInput], space: str, method: str, n_dims: int = 2
    ) -> np.ndarray:
        """`(n_dims,)`: where a query belongs on a map.

        The mean of the coordinates of its nearest neighbours in the full space, weighted by
        their similarity: an upload is placed by neighbours, never by refitting the map.
        """
        vector = self.blend(parts, space)
        chosen = self._map(space, method, n_dims)
        ids, scores = [], []
        for modality in self.encoder_names:
            gallery = self.study.shared(self.encoder_set, space, modality)
            top = min(maps.N_PLACE, len(gallery.item_ids))
            rows, found = self._index(space, modality).search(vector, top)
            ids += gallery.item_ids[np.ravel(rows)].tolist()
            scores += np.ravel(found).tolist()
        best = np.argsort(scores)[::-1][: maps.N_PLACE]
        coordinates = chosen.loc[[ids[row] for row in best], list("xyz")[:n_dims]].to_numpy()
        return np.asarray(maps.place(coordinates, np.array(scores)[best]))

    def _map(self, space: str, method: str, n_dims: int) -> pd.DataFrame:
        """`x, y, z` of one map, by `item_id`."""
        with self._lock:
            key = (space, method, n_dims)
            if key not in self._maps:
                chosen = self.study.map(self.encoder_set, space, method, n_dims)
                self._maps[key] = chosen.set_index("item_id")[["x", "y", "z"]]
            return self._maps[key]


def as_json(query: str, answer: Answer) -> Mapping[str, Any]:
    """An answer as the command line prints it."""
    rows = answer.results.to_dict("records")
    return {
        "query": query,
        "results": [
            {
                "item_id": row["item_id"],
                "clip_id": row["clip_id"],
                "modality": row["modality"],
                "labels": list(row["labels"]),
                "score": round(float(row["score"]), 6),
                "percentile": round(float(row["percentile"]), 2),
                "path": row["path"],
                **({"text": row["text"]} if row["modality"] == "text" else {}),
            }
            for row in rows
        ],
        "gallery_size": answer.gallery_size,
        "median_score": round(answer.median_score, 6),
        "timings_ms": answer.timings_ms,
    }
