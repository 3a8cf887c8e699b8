"""Search a study: query inputs -> neighbours, class scores, a place on the map.

The pages, `precompute search` and notebooks all search through `Retriever`, so their lists are the
same. A query is one input or several with weights. Saved fits carry it into a space; nothing is
refitted.

    retriever = Retriever(study)
    query = retriever.query(Path("clarinet.wav"), without=["drums"])
    answer = retriever.search(query, "image", top=10)
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from core.clock import Clock
from core.errors import UserError
from core.retrieval.embedder import Embedder
from core.retrieval.query_inputs import WITHOUT, QueryInput, WeightedInput
from core.spaces import index, maps
from core.vectors import unit_rows

DEFAULT_SPACE = "translation_all"
N_BACKGROUND = 4_096  # random pairs behind percentiles
SYSTEMS = {
    "audio": ("SMA", "MMP", "MMT"),
    "image": ("SMI", "MMP", "MMT"),
    "text": ("MMT",),  # forests learn from sounds and pictures; only MMT's space holds texts too
}
SPACE_OF = {"SMA": "pca", "SMI": "pca", "MMP": "pca", "MMT": "translation"}


@dataclass(frozen=True)
class Answer:
    """The results of a search, their scale, and the time it took.

    Parameters
    ----------
    results : `item_id, clip_id, modality, labels, path, text, score, percentile`, best first;
        `score` is the cosine, `percentile` the share of random pairs of these two modalities that
        score lower, 0 to 100
    gallery_size : how many items were searched, after the filters
    median_score : the median score of the random pairs
    timings_ms : milliseconds by step
    """

    results: pd.DataFrame
    gallery_size: int
    median_score: float
    timings_ms: dict[str, float]


class Nearest(NamedTuple):
    """Items nearest to q vectors, best first: `item_ids (q, k) str`, cosines `scores (q, k)
    float32`, and how many items were searched."""

    item_ids: np.ndarray
    scores: np.ndarray
    gallery_size: int


class Filters(NamedTuple):
    """Which items of a gallery are searched; an empty field filters nothing.

    `classes`: items with one of these labels. `subsets`: items of one of these subsets.
    `leave_out`: clips that are not searched, such as the query's own. `items`: these ids alone.
    """

    classes: Sequence[str] = ()
    subsets: Sequence[str] = ()
    leave_out: Sequence[str] = ()
    items: Collection[str] = ()


NO_FILTERS = Filters()


class Retriever(Embedder):
    """An `Embedder` that also searches: it keeps the indexes and scales of an encoder set."""

    # -- queries -------------------------------------------------------------------------------

    def query(
        self,
        file: Path | None = None,
        texts: Sequence[str] = (),
        without: Sequence[str] = (),
        clock: Clock | None = None,
    ) -> list[WeightedInput]:
        """A file, words, or both, as one query; results keep away from the words of `without`.

        Raises
        ------
        MediaError
            The file cannot be decoded.
        UserError
            There is no encoder for it, or the encoder knows none of the words.
        """
        embedded = self.embed(file, file.name, clock) if file else []
        return [
            *(WeightedInput(one, 1.0 / len(embedded)) for one in embedded),
            *(WeightedInput(self.embed_text(words, clock)) for words in texts),
            *(WeightedInput(self.embed_text(words, clock), WITHOUT) for words in without),
        ]

    @property
    def default_space(self) -> str:
        """The space that queries search unless they name one: united where there is one."""
        united = self.study.has_space(self.encoder_set, "united_all")
        return "united_all" if united else DEFAULT_SPACE

    def default_find(self, modality: str) -> str:
        """The modality to find by default: pictures for a sound, sounds for pictures and words."""
        order = ("image", "audio", "text") if modality == "audio" else tuple(self.encoder_names)
        others = [name for name in order if name != modality and name in self.encoder_names]
        return others[0] if others else modality

    def project(self, query_input: QueryInput, space: str) -> np.ndarray:
        """`(k, d)` float32: every window in a space; computed once for each input."""
        key = (self.study.digest, self.encoder_set, space)
        if key not in query_input.shared:
            fit = self.study.space(self.encoder_set, space)
            native = self.native(query_input, space)
            query_input.shared[key] = fit.project(query_input.modality, native)
        return query_input.shared[key]

    def vector(self, weighted: WeightedInput, space: str) -> np.ndarray:
        """`(d,)` unit float32: one input in a space, its windows averaged by loudness."""
        windows = unit_rows(self.project(weighted.query_input, space))
        if weighted.window is not None:
            return np.asarray(windows[weighted.window])
        return unit_rows(weighted.query_input.mean(windows))

    def blend(self, query: Sequence[WeightedInput], space: str) -> np.ndarray:
        """`(d,)` unit float32: the weighted sum of the inputs' unit vectors.

        Raises
        ------
        UserError
            The query is empty, or its inputs cancel out.
        """
        if not query:
            raise UserError("There is nothing to search with: add a sound, a picture or an item.")
        total = sum(one.weight * self.vector(one, space) for one in query)
        if float(np.linalg.norm(total)) < 1e-6:
            raise UserError("The parts of this query cancel out: change their weights.")
        return unit_rows(np.asarray(total))

    # -- neighbours ----------------------------------------------------------------------------

    def search(
        self,
        query: Sequence[WeightedInput],
        find: str,
        top: int = 10,
        space: str = "",
        filters: Filters = NO_FILTERS,
        clock: Clock | None = None,
    ) -> Answer:
        """The items of one modality nearest to a query.

        Parameters
        ----------
        query : see `query`
        find : "audio", "image" or "text"
        top : how many results
        space : one of `core.study.SPACES`; by default `default_space`
        filters : which items are searched

        Raises
        ------
        UserError
            The modality or space is unknown, or the filters leave nothing.
        """
        clock, space = clock or Clock(), space or self.default_space
        if find not in self.encoder_names:
            known = ", ".join(self.encoder_names)
            raise UserError(f"There is no modality {find!r} to find: expected one of {known}.")
        with clock.time("project"):
            vector = self.blend(query, space)
        with clock.time("search"):
            found = self.nearest(vector, find, top, space, filters)
        with clock.time("score"):
            background = self.background(query[0].query_input.modality, find, space)
            columns = ["item_id", "clip_id", "modality", "labels", "path", "text"]
            rows = self.study.items().loc[found.item_ids[0], columns].reset_index(drop=True)
            percentiles = index.percentile(found.scores[0], background)
        return Answer(
            results=rows.assign(score=found.scores[0], percentile=percentiles),
            gallery_size=found.gallery_size,
            median_score=float(np.median(background)),
            timings_ms={step: round(ms, 2) for step, ms in clock.ms.items()},
        )

    def neighbours(
        self, item_id: str, find: str, top: int, space: str = DEFAULT_SPACE, split: int = 0
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
        found = self.nearest(vector, find, top + (own == find), space, split=split)
        table = pd.DataFrame({"item_id": found.item_ids[0], "score": found.scores[0]})
        table = table[table["item_id"] != item_id].head(top).reset_index(drop=True)
        background = self.background(own, find, space, split)
        return table.assign(percentile=index.percentile(table["score"].to_numpy(), background))

    def nearest(
        self,
        vectors: np.ndarray,
        find: str,
        top: int,
        space: str = DEFAULT_SPACE,
        filters: Filters = NO_FILTERS,
        split: int = 0,
    ) -> Nearest:
        """The items of one modality nearest to vectors `(d,)` or `(q, d)` of a space.

        Raises
        ------
        UserError
            The filters leave nothing.
        """
        gallery = self.study.shared(self.encoder_set, space, find, split)
        allowed = self._allowed(gallery.item_ids, filters, split)
        n_allowed = len(gallery.item_ids) if allowed is None else int(allowed.sum())
        if n_allowed == 0:
            raise UserError("No item of the collection matches these filters: remove some.")
        searched = self._once.get(("index", space, find, split), lambda: index.Index(gallery.array))
        rows, scores = searched.search(vectors, top, allowed)
        return Nearest(gallery.item_ids[rows], scores, n_allowed)

    def background(self, query: str, find: str, space: str, split: int = 0) -> np.ndarray:
        """`(n,)` sorted cosines of random pairs of two modalities: the scale of percentiles."""

        def make() -> np.ndarray:
            left, right = (
                self.study.shared(self.encoder_set, space, modality, split).array
                for modality in (query, find)
            )
            return index.random_pair_scores(left, right, n_pairs=N_BACKGROUND, seed=0)

        return self._once.get(("background", query, find, space, split), make)

    def _allowed(self, item_ids: np.ndarray, filters: Filters, split: int) -> np.ndarray | None:
        """`(n,) bool`: the items that pass the filters; None if there is no filter."""
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
        if filters.items:
            allowed &= np.isin(item_ids, np.array(list(filters.items), dtype=object))
        return allowed

    # -- classes and maps ----------------------------------------------------------------------

    def class_scores(self, weighted: WeightedInput) -> pd.DataFrame:
        """`system, class, score`: the votes of each system's forest for one input.

        Windows are averaged by loudness. The forests are those of the first split; without both
        sounds and pictures a study has none, and the table is empty.
        """
        frames = [pd.DataFrame({"system": [], "class": [], "score": []}).astype({"score": float})]
        if not self.study.has_audio_and_image(self.encoder_set):
            return frames[0]
        query_input, window = weighted.query_input, weighted.window
        for system in SYSTEMS[query_input.modality]:
            forest = self.study.forest(self.encoder_set, system)
            votes = forest.predict_proba(self.project(query_input, SPACE_OF[system]))
            scores = query_input.mean(votes) if window is None else votes[window]
            classes = self.study.paired_classes
            frames.append(pd.DataFrame({"system": system, "class": classes, "score": scores}))
        return pd.concat(frames, ignore_index=True)

    def place(
        self, query: Sequence[WeightedInput], space: str, method: str, n_dims: int = 2
    ) -> np.ndarray:
        """`(n_dims,)`: where a query belongs on a map.

        The mean of the coordinates of its nearest neighbours in the full space, weighted by
        similarity; the map is not refitted.
        """
        vector = self.blend(query, space)
        points = self._once.get(
            ("map", space, method, n_dims),
            lambda: self.study.map(self.encoder_set, space, method, n_dims).set_index("item_id"),
        )
        near = [self.nearest(vector, name, maps.N_PLACE, space) for name in self.encoder_names]
        item_ids = np.concatenate([one.item_ids[0] for one in near])
        scores = np.concatenate([one.scores[0] for one in near])
        best = np.argsort(scores)[::-1][: maps.N_PLACE]
        coordinates = points.loc[item_ids[best], list("xyz")[:n_dims]].to_numpy()
        return np.asarray(maps.place(coordinates, scores[best]))


def as_json(query: str, answer: Answer) -> Mapping[str, Any]:
    """An answer as `precompute search --json` prints it."""
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
            for row in answer.results.to_dict("records")
        ],
        "gallery_size": answer.gallery_size,
        "median_score": round(answer.median_score, 6),
        "timings_ms": answer.timings_ms,
    }
