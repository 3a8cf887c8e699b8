"""Overview: the map of the collection, three things to try, how good its spaces are."""

import streamlit as st

from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.overview import contents, examples, headline, start


def show(page: Page) -> None:
    dataset = page.study.dataset
    widgets.heading(
        str(dataset.get("title") or dataset["name"]), str(dataset.get("description", ""))
    )
    for told in filter(None, data.examined(page.handle, page.encoder_set).values()):
        widgets.notice(told)
    start.show(page)
    examples.show(page)
    headline.show(page)
    contents.show(page)
    other_studies(page)


def other_studies(page: Page) -> None:
    titles = data.study_titles(page.handle.root)
    if len(titles) < 2:
        return
    st.subheader("Other studies in this workspace", anchor=False)
    for digest, title in titles.items():
        if digest != page.handle.digest:
            widgets.quiet_button(widgets.md(title), f"study_{digest}", session.open_study, digest)
