"""One thing that a person brings -> vectors -> neighbours, class scores, a place on the map.

The page and ``precompute search`` both come through here, so that they give the same list. A
thing (a recording, a picture, a video, an item of the collection) is embedded once into its
encoder's native space; every space is then reached by the saved fits, and nothing is refitted.
Long sounds and videos are cut into one-second windows. A query is one thing, or a blend of
several with weights.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from core import encoders, media
from core.encoders.base import Encoder
from core.errors import MissingArtefact, UserError
from core.spaces import index, maps
from core.store import media_source
from core.study import Study, Vectors, media_root

DEFAULT_SPACE = "translation_all"
MAX_WINDOWS = 120  # of one recording; a longer one is sampled evenly, and the answer says so
N_PLACE = 15  # neighbours that place a query on a map
N_BACKGROUND = 4_096  # random pairs behind percentiles
SYSTEMS = {"audio": ("SMA", "MMP", "MMT"), "image": ("SMI", "MMP", "MMT")}
SPACE_OF = {"SMA": "pca", "SMI": "pca", "MMP": "pca", "MMT": "translation"}


@dataclass(frozen=True)
class Thing:
    """Something to search with, embedded: one row a window.

    ``native`` (k, d) float32; ``starts_s`` (k,) seconds into the recording; ``loudness`` (k,)
    RMS of each window (ones for pictures); ``shared`` keeps its vectors in the spaces it was
    carried into; ``sampled`` says that the recording was longer than
    ``MAX_WINDOWS`` seconds and only every so often a window was taken.
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
        """``(k,)``: how much each window counts in the whole; loud ones more, silence nothing."""
        total = float(self.loudness.sum())
        if total <= 0:
            return np.full(len(self.loudness), 1.0 / len(self.loudness))
        return np.asarray(self.loudness / total)


@dataclass(frozen=True)
class Part:
    """One thing in a blend: its weight (below 0: away from it), and one window or the whole."""

    thing: Thing
    weight: float = 1.0
    window: int | None = None


@dataclass(frozen=True)
class Answer:
    """Neighbours with their scale, and where the time went.

    ``results``: ``item_id, clip_id, modality, labels, path, score, percentile`` best first.
    ``score`` is cosine; ``percentile`` the share of random pairs of these two modalities that
    score lower, in percent; ``median_score`` what the median random pair scores.
    """

    results: pd.DataFrame
    gallery_size: int
    median_score: float
    vector: np.ndarray
    timings_ms: dict[str, float]


class Nearest(NamedTuple):
    """``item_ids (q, k) str`` and ``scores (q, k) float32`` (cosine), best first; how many items
    the filters left to search."""

    item_ids: np.ndarray
    scores: np.ndarray
    gallery_size: int


@dataclass
class Clock:
    """Milliseconds by step; the same step twice adds up."""

    ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def time(self, step: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.ms[step] = self.ms.get(step, 0.0) + (time.perf_counter() - started) * 1_000


class Searcher:
    """Encoders, indexes and fits of one encoder pair of a study, loaded once and shared.

    Parameters
    ----------
    study : Study
    pair : str, optional
        "AUDIO+IMAGE"; the study's first pair by default.
    weights_dir : Path, optional
        Where weights are looked for first; the folder that the study was made with by default.
    """

    def __init__(
        self, study: Study, pair: str | None = None, weights_dir: Path | None = None
    ) -> None:
        self.study = study
        self.pair = pair or study.default_pair
        audio, _, image = self.pair.partition("+")
        self.encoder_names = {"audio": audio, "image": image}
        recorded = study.record.get("weights_dir")
        self.weights_dir = weights_dir or (Path(recorded) if recorded else None)
        self._encoders: dict[str, Encoder] = {}
        self._indexes: dict[tuple[str, str], index.Index] = {}
        self._backgrounds: dict[tuple[str, str, str], np.ndarray] = {}
        self._maps: dict[tuple[str, str, int], pd.DataFrame] = {}
        self._lock = threading.RLock()

    # -- things --------------------------------------------------------------------------------

    def encoder(self, modality: str) -> Encoder:
        """The encoder of a modality, the very one that embedded the collection.

        Raises
        ------
        UserError
            The collection brought its own vectors, or its weights are absent or changed.
        """
        with self._lock:
            if modality not in self._encoders:
                self._encoders[modality] = self._load(modality)
            return self._encoders[modality]

    def _load(self, modality: str) -> Encoder:
        name = self.encoder_names[modality]
        if name.startswith("ready_"):
            raise UserError(
                f"This study brought its own {modality} vectors, so nothing new can be embedded "
                "here: search with an item of the collection."
            )
        encoder = encoders.load(name, self.weights_dir, n_threads=2)
        made_with = self.study.artefact(f"extract:{name}").manifest.get("weights_sha256")
        if encoder.weights_sha256 != made_with:
            raise UserError(
                f"The weights of {name} differ from those that embedded this collection: point "
                "--weights at the same file, or run the study again."
            )
        return encoder

    def embed(self, source: media.Source, name: str, clock: Clock | None = None) -> list[Thing]:
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

    def embed_item(self, item_id: str) -> Thing:
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
        return Thing(
            name=item_id,
            modality=str(row["modality"]),
            native=native,
            starts_s=np.array([row["start_s"]]),
            loudness=np.ones(1),
            item_id=item_id,
        )

    def _embed_sound(self, source: media.Source, name: str, clock: Clock) -> Thing:
        encoder = self.encoder("audio")
        with clock.time("decode"):
            audio = media.read_audio(source, name, rate_hz=encoder.card.rate_hz)
            starts_s, samples = media.windows(audio)
            keep = _spread(len(starts_s), MAX_WINDOWS)
            starts_s, samples = starts_s[keep], samples[keep]
        with clock.time("embed"):
            native = encoder.embed(list(samples))
        loudness = np.sqrt(np.mean(np.square(samples, dtype=np.float64), axis=1))
        sampled = len(keep) < len(media.windows(audio)[0])
        return Thing(name, "audio", native, starts_s, loudness, sampled)

    def _embed_picture(self, source: media.Source, name: str, clock: Clock) -> Thing:
        encoder = self.encoder("image")
        with clock.time("decode"):
            picture = media.read_image(source, name)
        with clock.time("embed"):
            native = encoder.embed([picture])
        return Thing(name, "image", native, np.zeros(1), np.ones(1))

    def _embed_frames(
        self, source: media.Source, name: str, duration_s: float, clock: Clock
    ) -> Thing:
        encoder = self.encoder("image")
        n_seconds = max(1, int(duration_s))
        starts_s = np.arange(n_seconds, dtype=np.float64)[_spread(n_seconds, MAX_WINDOWS // 4)]
        with clock.time("decode"):
            middle = min(0.5, duration_s / 2)
            frames = [media.read_frame(source, name, start + middle) for start in starts_s]
        with clock.time("embed"):
            native = encoder.embed(frames)
        sampled = len(starts_s) < n_seconds
        return Thing(name, "image", native, starts_s, np.ones(len(starts_s)), sampled)

    # -- searching -----------------------------------------------------------------------------

    def project(self, part: Part, space: str) -> np.ndarray:
        """``(d,)`` unit float32: one part in a space, its windows averaged by loudness."""
        shared = self.project_windows(part.thing, space)
        if part.window is not None:
            return np.asarray(shared[part.window])
        return _unit(part.thing.weights @ shared)

    def project_windows(self, thing: Thing, space: str) -> np.ndarray:
        """``(k, d)`` unit float32: every window of a thing in a space."""
        return _unit(self.projected(thing, space))

    def projected(self, thing: Thing, space: str) -> np.ndarray:
        """``(k, d)`` float32: every window as the space gives it, computed once for a thing."""
        key = (self.study.digest, self.pair, space)
        if key not in thing.shared:
            fit = self.study.space(self.pair, space)
            thing.shared[key] = fit.project(thing.modality, thing.native)
        return thing.shared[key]

    def blend(self, parts: Sequence[Part], space: str) -> np.ndarray:
        """``(d,)`` unit float32: the weighted sum of the parts' unit vectors.

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
        return _unit(np.asarray(total))

    def search(
        self,
        parts: Sequence[Part],
        modality: str,
        top: int = 10,
        space: str = DEFAULT_SPACE,
        *,
        classes: Sequence[str] = (),
        subsets: Sequence[str] = (),
        leave_out: Sequence[str] = (),
        clock: Clock | None = None,
    ) -> Answer:
        """The nearest items of one modality.

        Parameters
        ----------
        parts : the blend
        modality : "audio" or "image", what to find
        top : how many results
        space : one of ``core.study.SPACES``
        classes, subsets : only items with one of these labels, of one of these subsets
        leave_out : clips that are not shown (the query's own)

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
            found = self.nearest(
                vector,
                modality,
                top,
                space,
                classes=classes,
                subsets=subsets,
                leave_out=leave_out,
            )
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
        *,
        classes: Sequence[str] = (),
        subsets: Sequence[str] = (),
        leave_out: Sequence[str] = (),
    ) -> Nearest:
        """The nearest items to vectors ``(d,)`` or ``(q, d)`` of a space; filters as in ``search``.

        Raises
        ------
        UserError
            The filters leave nothing.
        """
        gallery = self.study.shared(self.pair, space, modality)
        allowed = self._allowed(gallery, classes, subsets, leave_out)
        n_allowed = len(gallery.item_ids) if allowed is None else int(allowed.sum())
        if n_allowed == 0:
            raise UserError("No item of the collection fits these filters: widen them.")
        rows, scores = self._index(space, modality, gallery).search(vectors, top, allowed)
        return Nearest(gallery.item_ids[rows], scores, n_allowed)

    def _allowed(
        self,
        gallery: Vectors,
        classes: Sequence[str],
        subsets: Sequence[str],
        leave_out: Sequence[str],
    ) -> np.ndarray | None:
        if not classes and not subsets and not leave_out:
            return None
        frame = self.study.items().loc[gallery.item_ids]
        allowed = np.ones(len(frame), dtype=bool)
        if classes:
            wanted = set(classes)
            allowed &= frame["labels"].map(lambda labels: bool(wanted & set(labels))).to_numpy()
        if subsets:
            allowed &= frame["subset"].isin(list(subsets)).to_numpy()
        if leave_out:
            allowed &= ~frame["clip_id"].isin(list(leave_out)).to_numpy()
        return allowed

    def _index(self, space: str, modality: str, gallery: Vectors) -> index.Index:
        with self._lock:
            key = (space, modality)
            if key not in self._indexes:
                self._indexes[key] = index.Index(gallery.array)
            return self._indexes[key]

    def background(self, query: str, target: str, space: str) -> np.ndarray:
        """``(n,)`` sorted cosines of random pairs of the two modalities."""
        with self._lock:
            key = (query, target, space)
            if key not in self._backgrounds:
                left = self.study.shared(self.pair, space, query).array
                right = self.study.shared(self.pair, space, target).array
                self._backgrounds[key] = index.random_pair_scores(
                    left, right, n_pairs=N_BACKGROUND, seed=0
                )
            return self._backgrounds[key]

    def _describe(self, item_ids: np.ndarray) -> pd.DataFrame:
        columns = ["item_id", "clip_id", "modality", "labels", "path"]
        return self.study.items().loc[item_ids, columns].reset_index(drop=True)

    # -- what else is known of a query ---------------------------------------------------------

    def class_scores(self, part: Part) -> pd.DataFrame:
        """``system, class, score``: what each trained system says of one part.

        Windows are averaged by loudness. The systems are those of the first split, trained on
        its ``train`` subset.
        """
        frames = []
        for system in SYSTEMS[part.thing.modality]:
            forest = self.study.forest(self.pair, system)
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

    def place(self, parts: Sequence[Part], space: str, method: str, n_dims: int = 2) -> np.ndarray:
        """``(n_dims,)``: where a query belongs on a map.

        The mean of the coordinates of its nearest neighbours in the full space, weighted by
        their similarity: an upload is placed by neighbours, never by refitting the map.
        """
        vector = self.blend(parts, space)
        chosen = self._map(space, method, n_dims)
        ids, scores = [], []
        for modality in self.encoder_names:
            gallery = self.study.shared(self.pair, space, modality)
            top = min(N_PLACE, len(gallery.item_ids))
            rows, found = self._index(space, modality, gallery).search(vector, top, None)
            ids += gallery.item_ids[np.ravel(rows)].tolist()
            scores += np.ravel(found).tolist()
        best = np.argsort(scores)[::-1][:N_PLACE]
        coordinates = chosen.loc[[ids[row] for row in best], list("xyz")[:n_dims]].to_numpy()
        return np.asarray(maps.place(coordinates, np.array(scores)[best]))

    def _map(self, space: str, method: str, n_dims: int) -> pd.DataFrame:
        """``x, y, z`` of one map, by ``item_id``."""
        with self._lock:
            key = (space, method, n_dims)
            if key not in self._maps:
                frame = self.study.maps(self.pair)
                mine = (frame["space"] == space) & (frame["method"] == method)
                chosen = frame[mine & (frame["n_dims"] == n_dims)]
                if chosen.empty:
                    raise MissingArtefact(
                        f"There is no {method} map of {space}: run "
                        f"`{self.study.command('project')}`."
                    )
                self._maps[key] = chosen.set_index("item_id")[["x", "y", "z"]]
            return self._maps[key]

    def media_of(self, item_id: str) -> tuple[media.Source, str]:
        """Where an item's media lies, and its name.

        Raises
        ------
        MissingArtefact
            The item has no media, or its file is gone.
        """
        return item_media(self.study, item_id)


def item_media(study: Study, item_id: str) -> tuple[media.Source, str]:
    """Where an item's media lies, and its name; see ``Searcher.media_of``."""
    path = str(study.items().loc[item_id, "path"])
    if not path:
        raise MissingArtefact(f"The item {item_id!r} has no media, only its vector.")
    source = media_source(media_root(study.artefact("ingest")), path)
    if isinstance(source, Path) and not source.is_file():
        raise MissingArtefact(f"The file {path} of the dataset is gone: put it back to hear it.")
    return source, path


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
            }
            for row in rows
        ],
        "gallery_size": answer.gallery_size,
        "median_score": round(answer.median_score, 6),
        "timings_ms": answer.timings_ms,
    }


def _spread(n: int, most: int) -> np.ndarray:
    """At most ``most`` of ``n`` rows, evenly spread."""
    if n <= most:
        return np.arange(n)
    return np.unique(np.linspace(0, n - 1, most).round().astype(int))


def _unit(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
