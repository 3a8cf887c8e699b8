"""The timeline of a long sound or video in the query: which second is what, and found what."""

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures import spectrogram, theme
from core.figures import timeline as figures
from core.retrieval import timeline
from core.retrieval.query_inputs import QueryInput
from core.retrieval.retriever import Filters, Retriever
from dashboard import session
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.retrieve import query_state

N_FRAMES = 8  # pictures in the lane of a video
SPECTROGRAM_S = 130.0  # longer recordings are sampled and have no lane of their own


def long_thing(one: query_state.Asked) -> QueryInput | None:
    """The thing of an upload that has seconds to choose from: its sound, else its frames."""
    found = [thing for thing in one.things if len(thing.starts_s) > 1]
    return found[0] if one.upload is not None and found else None


def best_seconds(
    retriever: Retriever, parts: list[query_state.Asked], results: pd.DataFrame, find: str
) -> dict[str, str]:
    """For each result, the second of a long upload that is most like it; empty without one."""
    long = [(one, thing) for one in parts if (thing := long_thing(one)) is not None]
    if len(long) != 1 or long[0][0].upload is None or long[0][0].upload.second is not None:
        return {}
    thing = long[0][1]
    ids = [str(item_id) for item_id in results["item_id"]]
    rows = timeline.best_windows(retriever, thing, ids, find, session.current().within)
    return {
        item_id: figures.clock(float(thing.starts_s[row]))
        for item_id, row in zip(ids, rows, strict=True)
    }


def show_timeline(
    page: Page, retriever: Retriever, one: query_state.Asked, find: str, median_score: float
) -> None:
    """Every second of a long upload with its class and best match; a click asks with it alone."""
    thing, upload = long_thing(one), one.upload
    if thing is None or upload is None:
        return
    chosen = session.current()
    try:
        seconds = timeline.by_second(
            retriever,
            thing,
            find,
            chosen.within,
            Filters(chosen.classes, chosen.subsets),
        )
    except UserError as error:
        widgets.notice(str(error))
        return
    starts = seconds["start_s"].to_numpy()
    step_s = float(starts[1] - starts[0])
    key = f"timeline_{upload.key}_{st.session_state.get(f'undo_{upload.key}', 0)}"
    st.subheader("Second by second", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        widgets.small(said(one, upload, thing, find))
        if upload.second is not None:
            st.button(
                "Ask with the whole",
                key=f"whole_{upload.key}",
                type="tertiary",
                icon=":material/select_all:",
                on_click=whole,
                args=(upload,),
            )
    made = figures.figure(
        seconds,
        page.study.classes,
        step_s,
        median_score,
        widgets.dark(),
        selected_s=upload.second,
        pictures=lane(upload, thing, step_s),
    )
    widgets.show(
        made,
        page.handle,
        f"timeline_{upload.key}",
        f"Timeline of {upload.name}",
        encoder_set=page.encoder_set,
        key=key,
        on_select=lambda: take(key, upload),
        table=seconds,
    )


def said(one: query_state.Asked, upload: query_state.Upload, thing: QueryInput, find: str) -> str:
    what = "sound" if thing.modality == "audio" else "frame"
    text = (
        f"{one.name}: each second’s {what} asks for itself. Bars are its nearest "
        f"{theme.MODALITY_NAMES[find]}’s score, colours and names the class that MMT gives it."
    )
    if thing.sampled:
        text += f" The recording is long: {len(thing.starts_s)} seconds, evenly spread, stand here."
    if upload.second is not None:
        return f"{text} The results below are those of {figures.clock(upload.second)} alone."
    return f"{text} Click one to ask with it alone; the results below are those of the whole."


def take(key: str, upload: query_state.Upload) -> None:
    """A click on a second asks with it; beside all, with the whole."""
    starts_s = session.selected(key)
    upload.second = float(starts_s[0]) if starts_s else None


def whole(upload: query_state.Upload) -> None:
    upload.second = None
    undo = f"undo_{upload.key}"  # a new figure, on which nothing is selected
    st.session_state[undo] = st.session_state.get(undo, 0) + 1


def lane(upload: query_state.Upload, thing: QueryInput, step_s: float) -> list[figures.Picture]:
    """The pictures above the bars: frames of a video, else the spectrogram; none when too long."""
    n = len(thing.starts_s)
    length = float(thing.starts_s[-1]) + step_s
    try:
        if upload.kind == "video":
            shown = sorted({round(row * (n - 1) / max(1, N_FRAMES - 1)) for row in range(N_FRAMES)})
            slot = length / len(shown)
            return [
                figures.Picture(
                    number * slot,
                    slot,
                    query_state.picture(upload, float(thing.starts_s[row]) + 0.5, 160),
                    spans=False,
                )
                for number, row in enumerate(shown)
            ]
        if length > SPECTROGRAM_S:
            return []
        dark = widgets.dark()
        made = ("lane", dark)
        heard = query_state.sound(upload, 0.0, length)
        if made not in upload.seen:
            upload.seen[made] = spectrogram.to_jpeg(
                heard.samples, heard.rate_hz, dark, n_frames=640, size_px=(1280, 160)
            )
        return [figures.Picture(0.0, heard.duration_s, upload.seen[made], spans=True)]
    except UserError:
        return []
