"""The people of a load who sit in front of a real browser; they turn pages.

python -m tests.load.browsers URL N EVERY_S SECONDS    # one line of JSON for each page

Their browsers draw on the same cores as the server, where people would bring their own: they run
at the lowest priority.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any

import numpy as np

from tests.browser.conftest import AT_REST, CHROMIUM, find_chromium
from tests.load.person import WAIT_S
from tests.load.plan import PAGES


async def person(browser: Any, url: str, seed: int, every_s: float, end: float) -> None:
    """One window, until the end."""
    page = await browser.new_page()
    rng = np.random.default_rng(seed)
    turn = time.monotonic() + every_s * rng.random()
    while turn < end:
        await asyncio.sleep(max(0.0, turn - time.monotonic()))
        started = time.monotonic()
        try:
            await page.goto(f"{url}/{rng.choice(PAGES)}", timeout=WAIT_S * 1000)
            await page.wait_for_function(AT_REST, timeout=WAIT_S * 1000)
            failed = "could not be drawn" in await page.inner_text("body")
            error = "the page could not be drawn" if failed else ""
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"[:200]
        print(json.dumps([time.monotonic() - started, error]), flush=True)
        turn = max(turn + every_s, time.monotonic())


async def main(url: str, n: int, every_s: float, seconds: float) -> None:
    from playwright.async_api import async_playwright

    end = time.monotonic() + seconds
    async with async_playwright() as driver:
        path = find_chromium()
        browser = await driver.chromium.launch(executable_path=path, args=CHROMIUM)
        await asyncio.gather(*(person(browser, url, seed, every_s, end) for seed in range(n)))
        await browser.close()


if __name__ == "__main__":
    os.nice(19)
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
