"""Execute `tour.ipynb` and keep its outputs, with a PNG of each figure for viewers without Plotly.

python notebooks/refresh.py workspace/demo
"""

import base64
import os
import shutil
import sys
from pathlib import Path

import nbclient
import nbformat
import plotly.graph_objects as go
from playwright.sync_api import sync_playwright

NOTEBOOK = Path(__file__).with_name("tour.ipynb")
PLOTLY = "application/vnd.plotly.v1+json"
WIDTH_PX = 760


def execute(workspace: str) -> nbformat.NotebookNode:
    """The notebook with the outputs of a run on a workspace."""
    os.environ["JEE_WORKSPACE"] = str(Path(workspace).resolve())
    os.environ["PLOTLY_RENDERER"] = "plotly_mimetype"  # a figure as JSON, without the library
    os.environ["PYTHONPATH"] = str(NOTEBOOK.parent.parent)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = {"metadata": {"path": str(NOTEBOOK.parent)}}
    nbclient.NotebookClient(notebook, timeout=600, record_timing=False, resources=folder).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":  # without warnings, which name folders of this machine
            cell.outputs = [output for output in cell.outputs if output.output_type != "stream"]
    return notebook


def add_pictures(notebook: nbformat.NotebookNode) -> None:
    """A PNG beside the JSON of each figure, drawn by Chromium."""
    chromium = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": 900})
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if PLOTLY in output.get("data", {}):
                    shown = output.data[PLOTLY]
                    fig = go.Figure(data=shown["data"], layout=shown["layout"])
                    page.set_content(fig.to_html(config={"displayModeBar": False}))
                    page.wait_for_selector(".main-svg")
                    page.wait_for_timeout(1_500)  # WebGL draws after the frame
                    png = page.locator(".plotly-graph-div").screenshot()
                    output.data["image/png"] = base64.b64encode(png).decode()
        browser.close()


if __name__ == "__main__":
    found = execute(sys.argv[1])
    add_pictures(found)
    nbformat.write(found, NOTEBOOK)
    print(f"{NOTEBOOK}: {NOTEBOOK.stat().st_size / 1024:.0f} KB")
