"""Closed sessions are forgotten in time: what a person uploaded leaves the server.

Streamlit keeps the session of a closed page for two minutes, so that it survives a break of the
network. It then drops it, with its uploads, only when another person leaves. Here a thread drops
it, whether anybody else comes or not.
"""

import functools
import gc
import threading
import time
from typing import Any

import streamlit as st
from streamlit.runtime import Runtime

EVERY_S = 30.0


@functools.cache
def forget_in_time() -> None:
    """Start the thread, once a server."""
    threading.Thread(target=_work, daemon=True, name="closed sessions").start()


def _work() -> None:
    every_s = min(EVERY_S, float(st.get_option("server.disconnectedSessionTTL")))
    while Runtime.exists():
        time.sleep(every_s)
        runtime: Any = Runtime.instance()
        closed = runtime._session_mgr._session_storage._cache
        runtime._get_async_objs().eventloop.call_soon_threadsafe(_forget, closed)


def _forget(closed: Any) -> None:
    gone = closed.expire()
    for _, one in gone:
        one.session.shutdown()
    if gone:
        gc.collect()  # a session refers to itself
