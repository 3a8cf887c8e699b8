"""A study with search, filters and figures, for notebooks and scripts: what `import core` opens."""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.encoder_sets import encoder_set_name
from core.errors import UserError
from core.figures import curves, maps, matrices, theme
from core.figures.map_points import MAX_DRAWN, MapPoints
from core.hits import Hits
from core.lab.recipe import settings_of
from core.lab.run import Run, what_if
from core.retrieval.query_inputs import WeightedInput
from core.retrieval.retriever import Filters, Retriever
from core.studies import centroid_matrix, headlines
from core.studies.mix_in import line
from core.study import Study

Words = str | Sequence[str]


class NotebookStudy(Study):
    """A study to search, measure and plot.

    Methods with an `encoder_set` argument use the study's first encoder set by default. Figures
    are Plotly figures; `dark=True` draws them for a dark page.

    Examples
    --------
    >>> study = jee.open("workspace/demo")
    >>> hits = study.search("clarinet.wav", find="image")
    >>> study.plot_map("translation", highlight=hits)
    """

    def __repr__(self) -> str:
        encoders = " + ".join("|".join(names) for names in self.encoders.values())
        return (
            f"<study {self.digest} of {self.dataset['name']}: {len(self.items()):,} items, "
            f"{len(self.classes)} classes, {encoders}; "
            f"spaces {', '.join(self.spaces(self.default_encoder_set))}>"
        )

    def _encoder_set(self, name: str | None) -> str:
        known = [encoder_set_name(*encoders) for encoders in self.encoder_sets]
        if name is not None and name not in known:
            raise _unknown("encoder set", name, known)
        return name or known[0]

    # -- search ----------------------------------------------------------------------------------

    def search(
        self,
        query: str | Path | None = None,
        *,
        text: Words = (),
        without: Words = (),
        find: str | None = None,
        top: int = 10,
        space: str | None = None,
        classes: Words = (),
        subsets: Words = (),
        encoder_set: str | None = None,
    ) -> Hits:
        """Find the items nearest to a file, an item, words, or a mix of them.

        Parameters
        ----------
        query : path of a sound, picture or video, or the `item_id` of an item
        text : words, or several of them
        without : words to keep away from
        find : "audio", "image" or "text"; by default pictures for a sound, sounds otherwise
        top : number of results
        space : one of `spaces(encoder_set)`; by default the united space of all pairs, or the
            translation
        classes, subsets : search only items with one of these labels, or of these subsets

        Returns
        -------
        Hits
            A data frame, best first, that shows and plays its items in a notebook.

        Raises
        ------
        UserError
            There is no query, no such file or item, or the file cannot be decoded.

        Examples
        --------
        >>> study.search("clarinet.wav", find="image", top=5)
        >>> study.search(text="slow bowed strings", without="drums", find="audio")
        """
        retriever = self._retriever(self._encoder_set(encoder_set))
        texts, kept_away = _several(text), _several(without)
        inputs = retriever.query(None, texts, kept_away)
        if query is not None:
            inputs = [*self._inputs(retriever, query), *inputs]
        if not any(one.weight > 0 for one in inputs):
            raise UserError("There is nothing to search with: give a file, an item or text=WORDS.")
        answer = retriever.search(
            inputs,
            find or retriever.default_find(inputs[0].query_input.modality),
            top,
            space or retriever.default_space,
            Filters(classes=_several(classes), subsets=_several(subsets)),
        )
        return Hits.of(self, answer)

    def _inputs(self, retriever: Retriever, query: str | Path) -> list[WeightedInput]:
        path = Path(query).expanduser()
        if path.is_file():
            return retriever.query(path)
        if str(query) in self.items().index:
            return [WeightedInput(retriever.embed_item(str(query)))]
        raise UserError(
            f"There is no file and no item {str(query)!r}: give the path of a sound, picture or "
            "video, an item_id, or text=WORDS."
        )

    @functools.cached_property
    def _retrievers(self) -> dict[str, Retriever]:
        return {}

    def _retriever(self, encoder_set: str) -> Retriever:
        if encoder_set not in self._retrievers:
            self._retrievers[encoder_set] = Retriever(self, encoder_set)
        return self._retrievers[encoder_set]

    # -- numbers ---------------------------------------------------------------------------------

    def measurements(self, encoder_set: str | None = None, **equal: Any) -> pd.DataFrame:
        """Stored numbers, one row each, filtered by column values.

        Parameters
        ----------
        encoder_set : only numbers of this one; by default of all
        equal : a value or a list of values by column, such as `metric="ndcg@30"`; `class_` is the
            column `class`

        Raises
        ------
        UserError
            There is no such column, or no row with such a value.

        Examples
        --------
        >>> study.measurements(metric="ndcg@30", space=["translation", "pca"])
        """
        table = super().measurements()
        filters = {name.removesuffix("_"): _several(value) for name, value in equal.items()}
        if encoder_set is not None:
            encoders = self.modalities(self._encoder_set(encoder_set))
            filters = {name: [encoder] for name, encoder in encoders.items()} | filters
        for name, values in filters.items():
            if name not in table:
                raise _unknown("column", name, table.columns, " in the measurements")
            known = table[name].unique()
            for value in values:
                if value not in known:
                    raise _unknown(name, value, known, " in these measurements")
            table = table[table[name].isin(values)]
        return table.reset_index(drop=True)

    def vectors(
        self,
        modality: str,
        space: str = "translation",
        split: int = 0,
        encoder_set: str | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The ids of all items of a modality, and their vectors.

        Parameters
        ----------
        modality : "audio", "image" or "text"
        space : one of `spaces(encoder_set)`, or "native" for the encoder's own vectors

        Returns
        -------
        item_ids : (n,) str
        vectors : (n, d) float32, memory-mapped and read-only

        Examples
        --------
        >>> ids, x = study.vectors("image", space="translation")
        """
        chosen = self._encoder_set(encoder_set)
        encoders = self.modalities(chosen)
        if modality not in encoders:
            raise _unknown("modality", modality, encoders)
        if space == "native":
            found = self.native(encoders[modality])
        else:
            found = self.shared(chosen, space, modality, split)
        return found.item_ids, found.array

    # -- what if? --------------------------------------------------------------------------------

    def what_if(self, encoder_set: str | None = None, **changes: Any) -> Run:
        """Train and measure the translation by another recipe: a run of the lab.

        Parameters
        ----------
        changes : by name, such as `loss`, `share`, `unseen`, `points` (see `core.lab.recipe`)

        Returns
        -------
        Run
            Its `differences` and `scores` are data frames; `jee.open(workspace, run.id)` opens it.

        Raises
        ------
        UserError
            A name is unknown, or the settings are impossible.

        Examples
        --------
        >>> study.what_if(loss="info_nce", share=0.1).differences
        """
        settings = settings_of(self, self._encoder_set(encoder_set)).changed(changes)
        steps = list(what_if(self, settings))
        return Run(steps[-1].facts["id"], settings, steps)

    # -- figures ---------------------------------------------------------------------------------

    def plot_map(
        self,
        space: str = "translation",
        *,
        method: str = "umap",
        n_dims: int = 2,
        highlight: pd.DataFrame | Sequence[str] = (),
        classes: Words = (),
        modalities: Words = (),
        encoder_set: str | None = None,
        dark: bool = False,
    ) -> go.Figure:
        """A map of a space: colour = class, marker = modality.

        Parameters
        ----------
        space : "translation" or "pca"
        method : "umap" or "tsne"
        n_dims : 2 or 3
        highlight : results of `search`, or item ids, to mark with rings
        classes, modalities : draw only these

        Examples
        --------
        >>> study.plot_map("translation", highlight=study.search(text="drums", find="audio"))
        """
        mapped = self.mapped(self._encoder_set(encoder_set))
        if mapped and space not in mapped:
            raise _unknown("map of the space", space, mapped)
        ids = highlight["item_id"] if isinstance(highlight, pd.DataFrame) else highlight
        stored = self.map(self._encoder_set(encoder_set), space, method, n_dims)
        points = MapPoints.from_tables(stored, self.items(), self.classes, n_dims)
        for name in _several(classes):
            if name not in self.classes:
                raise _unknown("class", name, self.classes)
        rows = [self.classes.index(name) for name in _several(classes)]
        shown = points.filtered(rows, _several(modalities)).sample(MAX_DRAWN, keep=list(ids))
        title = f"{theme.SPACE_NAMES[space]}, {theme.METHOD_NAMES[method]}"
        panel = maps.Panel(title, shown, self.classes, points.bounds)
        return maps.figure([panel], dark=dark, highlighted=list(ids))

    def plot_centroids(
        self,
        space: str = "translation",
        *,
        order: str = "class",
        scale: str = "euclidean",
        encoder_set: str | None = None,
        dark: bool = False,
    ) -> go.Figure:
        """Distances between the centroids of classes and modalities in a space.

        Parameters
        ----------
        space : "translation" or "pca"
        order : "class", "modality" or "cluster"
        scale : "euclidean", or "normalised": divided by the mean distance between two items

        Examples
        --------
        >>> study.plot_centroids("pca", order="modality")
        """
        if order not in centroid_matrix.ORDERS:
            raise _unknown("order", order, centroid_matrix.ORDERS)
        if scale not in centroid_matrix.UNITS:
            raise _unknown("scale", scale, centroid_matrix.UNITS)
        rows = self.measurements(self._encoder_set(encoder_set), study="centroids", space=space)
        found = centroid_matrix.read(rows, space, scale, order, self.classes)
        unit = centroid_matrix.UNITS[scale]
        return matrices.distances(found.distances, found.names, dark, unit=unit)

    def plot_mix_in(
        self, target: str = "image", *, encoder_set: str | None = None, dark: bool = False
    ) -> go.Figure:
        """Macro F1 of MMT, MMP, SMT and the target alone, by target items in training.

        Examples
        --------
        >>> study.plot_mix_in(target="audio")
        """
        rows = self.measurements(
            self._encoder_set(encoder_set),
            study="mix_in",
            metric="macro_f1",
            target=target,
        )
        alone = headlines.summary(line(rows), ["target"])
        return curves.mix_in(
            rows,
            target,
            float(alone["mean"].iloc[0]) if len(alone) else None,
            float(rows["chance"].mean()),
            dark,
        )

    def plot_confusions(
        self,
        system: str = "MMT",
        target: str = "image",
        *,
        by_row: bool = True,
        split: int = 0,
        encoder_set: str | None = None,
        dark: bool = False,
    ) -> go.Figure:
        """The confusion matrix of a system on the test items of one modality.

        Parameters
        ----------
        system : "SMA", "SMI", "MMP", "MMT" or "SMT"
        target : "audio" or "image"
        by_row : shares of each row instead of counts

        Examples
        --------
        >>> study.plot_confusions("MMT", target="audio", by_row=False)
        """
        rows = self.measurements(
            self._encoder_set(encoder_set),
            study="classification",
            metric="confusion",
            system=system,
            target=target,
            split=split,
        )
        counts = rows.pivot_table(index="class", columns="other", values="value", aggfunc="sum")
        classes = self.paired_classes
        counts = counts.reindex(index=classes, columns=classes).fillna(0.0)
        return matrices.confusion(counts.to_numpy(), classes, dark, by_row)


def _several(values: Any) -> list[Any]:
    """One value or several as a list."""
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        return [values]
    return list(values)


def _unknown(what: str, value: Any, known: Iterable[Any], where: str = "") -> UserError:
    choices = ", ".join(str(one) for one in known if str(one))
    return UserError(f"There is no {what} {value!r}{where}: expected one of {choices}.")
