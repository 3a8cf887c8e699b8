"""Centroids: how far apart classes and modalities are in each space (W figure 4)."""

from functools import partial

import numpy as np
import streamlit as st

from core.figures import matrices, theme
from core.references import counterparts
from core.studies.centroid_matrix import UNITS, read
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import controls, paper, widgets
from dashboard.views.centroids import measures

SCALE_NAMES = {"euclidean": "Euclidean", "normalised": "divided by the space's own scale"}
PAPER_ORDER = {"pca": "modality", "translation": "class"}  # W figure 4, left and right


def show(page: Page) -> None:
    widgets.heading(
        "Centroids",
        "The mean of every class in each modality, and the distances between these means. Strong "
        "colour means a short distance.",
    )
    rows = data.measurements(page.handle, page.encoder_set, study="centroids")
    if rows.empty:
        widgets.notice(
            "No centroid distance is stored for this encoder set: evaluate the study again."
        )
        return
    with controls.row():
        controls.one("Sorted", "order", names=controls.CENTROID_ORDERS)
        controls.one("Distance", "scale", names=SCALE_NAMES)
    chosen = session.current()
    orders = {
        space: paper_order if chosen.order == "paper" else chosen.order
        for space, paper_order in PAPER_ORDER.items()
    }
    found = {
        space: read(rows, space, chosen.scale, order, page.study.classes)
        for space, order in orders.items()
    }
    found = {space: matrix for space, matrix in found.items() if matrix.names}
    # One colour scale for both only where their units agree: the spaces' own scales differ.
    shared = chosen.scale == "normalised"
    top = max(float(np.nanmax(matrix.distances)) for matrix in found.values()) if shared else None
    reported = counterparts.centroids(rows)
    facts = paper.facts(page, reported)
    for place, (space, matrix) in zip(
        st.columns(len(found), gap="medium"), found.items(), strict=True
    ):
        with place:
            unit, order = UNITS[chosen.scale], orders[space]
            title = f"{theme.SPACE_NAMES[space]}, {controls.CENTROID_ORDERS[order]}"
            widgets.show(
                partial(
                    matrices.distances,
                    matrix.distances,
                    matrix.names,
                    widgets.dark(),
                    top,
                    unit,
                    title,
                ),
                page,
                f"centroids_{space}_{order}_{chosen.scale}",
                title,
                table=matrix.table(),
                more=facts,
            )
            widgets.small(
                f"Scale of this space (the mean distance of two items): {matrix.scale:.2f}."
            )
    paper.show(page, reported)
    widgets.small(
        "W's figure 4 sorts PCA by modality and the translation by class. Where a translated space "
        "joins the modalities, small strong squares run down the diagonal by class; where it does "
        "not, each modality is one strong block. W gives no distances and no colour range in "
        "numbers. Means over splits, test subset."
    )
    widgets.small(
        "Both matrices share one colour scale: each distance is divided by its space's scale."
        if shared
        else "The two spaces have different scales, so each matrix has its own colours. To compare "
        "their numbers, choose the distance divided by the space's own scale."
    )
    measures.show(page, rows)
