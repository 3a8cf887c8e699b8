"""Overview: what lies in the workspace, how good it is, and some of it to hear and see."""

import streamlit as st

from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.overview import contents, examples, headline


def show(page: Page) -> None:
    dataset = page.study.dataset
    widgets.heading(
        str(dataset.get("title") or dataset["name"]), str(dataset.get("description", ""))
    )
    headline.show(page)
    examples.show(page)
    contents.counts(page)
    contents.about(page)
    contents.rejected(page)
    studies(page)


def studies(page: Page) -> None:
    records = data.records(page.handle.root)
    if len(records) < 2:
        return
    st.subheader("Other studies of this workspace", anchor=False)
    for digest, title in data.study_titles(records).items():
        if digest != page.handle.digest:
            st.button(
                widgets.md(title),
                key=f"study_{digest}",
                type="tertiary",
                on_click=session.open_study,
                args=(digest,),
            )
