"""The timeline of a long sound or video in the query: class and nearest item of every second."""

import streamlit as st

from core.errors import UserError
from core.figures import spectrogram, theme
from core.figures import timeline as figures
from core.retrieval import timeline
from core.retrieval.query_inputs import QueryInput
from core.retrieval.retriever import Answer, Filters
from dashboard import session
from dashboard.shared import widgets
from dashboard.views.retrieve.query_state import Query, QueryEntry
from dashboard.views.retrieve.upload import Upload

N_FRAMES = 8  # pictures above the timeline of a video
SPECTROGRAM_S = 130.0  # longer recordings are sampled, so their timeline has no spectrogram


def long_input(entry: QueryEntry) -> QueryInput | None:
    """The input of an upload that has several windows: its sound, else its frames."""
    long = [one for one in entry.query_inputs if len(one.starts_s) > 1]
    return long[0] if entry.upload is not None and long else None


def best_seconds(query: Query, answer: Answer) -> dict[str, str]:
    """For each result, the most similar second of the query's only long upload; else empty."""
    long = [(each.upload, one) for each in query.entries if (one := long_input(each)) is not None]
    if len(long) != 1 or long[0][0] is None or long[0][0].second is not None:
        return {}
    query_input = long[0][1]
    ids = [str(item_id) for item_id in answer.results["item_id"]]
    within = session.current().within
    rows = timeline.best_windows(query.retriever, query_input, ids, query.find, within)
    return {
        item_id: figures.clock(float(query_input.starts_s[row]))
        for item_id, row in zip(ids, rows, strict=True)
    }


def show(query: Query, entry: QueryEntry, median_score: float) -> None:
    """Every second of a long upload; a click searches with that second alone."""
    query_input, upload = long_input(entry), entry.upload
    if query_input is None or upload is None:
        return
    chosen, find = session.current(), query.find
    filters = Filters(chosen.classes, chosen.subsets, items=query.page.only)
    try:
        seconds = timeline.by_second(query.retriever, query_input, find, chosen.within, filters)
    except UserError as error:
        widgets.notice(str(error))
        return
    step_s = float(query_input.starts_s[1] - query_input.starts_s[0])
    key = f"timeline_{upload.key}_{st.session_state.get(f'undo_{upload.key}', 0)}"
    st.subheader("Second by second", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        widgets.small(caption(upload, query_input, find))
        if upload.second is not None:
            key_all = f"whole_{upload.key}"
            widgets.quiet_button(
                "Search with all seconds", key_all, deselect, upload, icon="select_all"
            )
    widgets.show(
        figures.figure(
            seconds,
            query.page.study.classes,
            step_s,
            median_score,
            widgets.dark(),
            selected_s=upload.second,
            pictures=pictures(upload, query_input, step_s),
        ),
        query.page,
        f"timeline_{upload.key}",
        f"Timeline of {upload.name}",
        key=key,
        on_select=lambda: select(key, upload),
        table=seconds,
    )


def caption(upload: Upload, query_input: QueryInput, find: str) -> str:
    text = (
        f"{upload.name}: each second is also searched by itself. Bars show the score of its "
        f"nearest {theme.MODALITY_NAMES[find]}; colours and names show the class that MMT predicts."
    )
    if query_input.sampled:
        text += f" The recording is long, so {len(query_input.starts_s)} of its seconds are used."
    if upload.second is not None:
        return f"{text} The results below are for {figures.clock(upload.second)} alone."
    return f"{text} Click a second to search with it alone; the results below are for all of them."


def select(key: str, upload: Upload) -> None:
    """A click on a bar searches with its second; beside all bars, with all seconds."""
    seconds = session.selected(key)[:1]
    upload.second = float(seconds[0]) if seconds and isinstance(seconds[0], (int, float)) else None


def deselect(upload: Upload) -> None:
    """Search with all seconds, in a new figure without a selection."""
    upload.second = None
    undo = f"undo_{upload.key}"
    st.session_state[undo] = st.session_state.get(undo, 0) + 1


def pictures(upload: Upload, query_input: QueryInput, step_s: float) -> list[figures.Picture]:
    """The frames of a video or the spectrogram of a sound; none if it is too long."""
    n = len(query_input.starts_s)
    length_s = float(query_input.starts_s[-1]) + step_s
    try:
        if upload.kind == "video":
            rows = sorted({round(row * (n - 1) / max(1, N_FRAMES - 1)) for row in range(N_FRAMES)})
            slot_s = length_s / len(rows)
            frames = [upload.picture(float(query_input.starts_s[row]) + 0.5, 160) for row in rows]
            return [
                figures.Picture(number * slot_s, slot_s, frame, spans=False)
                for number, frame in enumerate(frames)
            ]
        if length_s > SPECTROGRAM_S:
            return []
        heard, dark = upload.sound(0.0, length_s), widgets.dark()
        jpeg = upload.once(
            ("spectrogram", dark),
            lambda: spectrogram.to_jpeg(
                heard.samples, heard.rate_hz, dark, n_frames=640, size_px=(1280, 160)
            ),
        )
        return [figures.Picture(0.0, heard.duration_s, jpeg, spans=True)]
    except UserError:
        return []
