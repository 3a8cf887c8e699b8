"""The command line: `python -m precompute COMMAND`, or `jee COMMAND` once installed.

`--help` lists everything.

Exit codes: 0 done; 2 an error that the user can fix, in one sentence on standard error;
130 interrupted (run the same command again to continue).
"""

import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from core import config as study_config
from core import saved_selections
from core.config import Config
from core.engines.base import Engine
from core.engines.local import LocalEngine
from core.errors import UserError, shown
from core.store import Store
from precompute.engines import engine_for

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Train, evaluate and query shared embedding spaces of music sound, image and text.",
)
console = Console(stderr=True)

Workspace = Annotated[
    str | None,
    typer.Option(help="Folder or URL for the artefacts. (default: workspace/DATASET)"),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        help="demo, paper, or NAME:PATH with NAME one of folder, table, audioset, "
        "gtzan, jamendo, magnatagatune, captions. (default: demo)"
    ),
]
Audio = Annotated[
    str | None,
    typer.Option(
        help="Audio encoders, separated by commas, joined with a plus, or none. (default: musicnn "
        "if it is installed, else logmel)"
    ),
]
Image = Annotated[
    str | None,
    typer.Option(
        help="Image encoders, separated by commas, joined with a plus, or none. (default: "
        "efficientnet_lite2 if it is installed, else hog)"
    ),
]
Weights = Annotated[Path | None, typer.Option(help="Folder to look for weights in first.")]
Text = Annotated[
    str | None,
    typer.Option(
        help="Text encoders, separated by commas, or none. (default: minilm if its weights are "
        "present, else lsa; none without texts)"
    ),
]
Ontology = Annotated[
    Path | None, typer.Option(help="JSON file of label relations. (default: the dataset's own)")
]
Size = Annotated[
    int | None,
    typer.Option(help="Pairs of demo, paper or audioset. (default: 2,400, 158,000, all)"),
]
Seed = Annotated[int | None, typer.Option(help="Seed of all random steps. (default: 0)")]
Splits = Annotated[
    int | None, typer.Option(help="Random splits. (default: 5 below 2,000 items, else 1)")
]
AlsoTest = Annotated[
    list[str] | None,
    typer.Option(
        help="Another dataset, written like --dataset, that the spaces are tested on and never "
        "trained on; can be repeated."
    ),
]
Recipe = Annotated[
    str | None,
    typer.Option(
        help="How spaces are trained: best or paper. (default: best, as EXPERIMENTS.md found)"
    ),
]
LabelsFrom = Annotated[
    str | None, typer.Option(help="Saved selections that become the labels: numbers or names.")
]
StudyFile = Annotated[
    Path | None, typer.Option("--study", help="YAML file of a study; options override it.")
]
EngineName = Annotated[str, typer.Option("--engine", help="Where work runs: local or ray.")]
Address = Annotated[
    str | None,
    typer.Option(help="Ray cluster: auto, local, HOST:PORT or ray://HOST:PORT. (default: auto)"),
]
Workers = Annotated[
    int | None,
    typer.Option(help="Tasks at a time. (default: one per core of the machine or cluster)"),
]
Wait = Annotated[bool, typer.Option(help="Wait for another run that makes the same artefacts.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
StudyDigest = Annotated[
    str | None, typer.Option("--study", help="Digest of the study. (default: the newest)")
]


def _names(text: str | None) -> tuple[str, ...] | None:
    """Names separated by commas; no names for "none", and None without the option."""
    if text is None:
        return None
    return tuple(part.strip() for part in text.split(",") if part.strip() not in ("", "none"))


def _run(
    until: str,
    config: Config,
    workspace: str | None,
    weights: Path | None,
    engine: Engine,
    wait: bool,
) -> None:
    from core.stages import table as stages

    store = Store(workspace or _default_workspace(config.dataset))
    try:
        with engine:
            study = stages.run(config, store, engine, weights, until, wait)
    except KeyboardInterrupt:
        console.print("Interrupted: run the same command again to continue.")
        raise typer.Exit(130) from None
    table = Table(title=f"Study {study.digest} in {store.root}")
    for column in ("stage", "seconds", ""):
        table.add_column(column, justify="right" if column == "seconds" else "left")
    for stage in stages.TABLE[: len(study.outcomes)]:
        outcome = study.outcomes[stage.name]
        note = f"nothing to do: {stage.why_empty}"
        if outcome.n_artefacts:
            note = "computed" if outcome.n_made else "already there"
        table.add_row(stage.name, f"{outcome.seconds:.1f}", note)
        for part, seconds in outcome.parts.items():
            table.add_row(f"  {part}", f"{seconds:.1f}", style="dim")
    total = sum(outcome.seconds for outcome in study.outcomes.values())
    table.add_row("total", f"{total:.1f}", "")
    console.print(table)


def _default_workspace(dataset: str) -> str:
    return f"workspace/{dataset.partition(':')[0]}"


def _stage_command(name: str, until: str, summary: str) -> None:
    def command(
        workspace: Workspace = None,
        dataset: Dataset = None,
        audio: Audio = None,
        image: Image = None,
        text: Text = None,
        ontology: Ontology = None,
        weights: Weights = None,
        size: Size = None,
        seed: Seed = None,
        splits: Splits = None,
        also_test: AlsoTest = None,
        recipe: Recipe = None,
        labels_from: LabelsFrom = None,
        study: StudyFile = None,
        engine: EngineName = "local",
        address: Address = None,
        workers: Workers = None,
        wait: Wait = False,
    ) -> None:
        given: dict[str, Any] = {
            "dataset": dataset,
            "audio": _names(audio),
            "image": _names(image),
            "text": _names(text),
            "ontology": str(ontology.expanduser().resolve()) if ontology else None,
            "size": size,
            "seed": seed,
            "splits": splits,
            "also_test": tuple(also_test) if also_test else None,
            "recipe": recipe,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        config = replace(study_config.load(study) if study else Config(), **changes)
        if labels_from is not None:
            workspace = workspace or _default_workspace(config.dataset)
            file = saved_selections.write_labels(workspace, _names(labels_from) or ())
            config = replace(config, dataset=f"labelled:{file}|{config.dataset}")
        _run(until, config, workspace, weights, engine_for(engine, address, workers, console), wait)

    app.command(name, help=summary)(command)


for _name, _until, _help in (
    ("all", "maps", "Run every stage of a study; finished work is not repeated."),
    ("ingest", "ingest", "Read the dataset: items, splits, and a list of rejected files."),
    ("extract", "extract", "Embed every item with the study's encoders."),
    ("train", "train", "Fit the translation and PCA spaces."),
    ("generate", "generate", "Fit the generation spaces, if the study has text."),
    ("evaluate", "evaluate", "Compute and store all measurements."),
    ("maps", "maps", "Draw the UMAP and t-SNE maps."),
):
    _stage_command(_name, _until, _help)


@app.command()
def status(workspace: str = "workspace/demo", as_json: AsJson = False) -> None:
    """List the studies of a workspace and their finished stages."""
    from precompute import status

    status.run(Store(workspace), as_json, console)


@app.command()
def check(
    workspace: str = "workspace/demo",
    repair: Annotated[bool, typer.Option(help="Make what is damaged again.")] = False,
    workers: Workers = None,
) -> None:
    """Read every file of a workspace and list what is damaged, and what was made of it."""
    from precompute import check

    if not check.run(Store(workspace), repair, LocalEngine(workers, console), console):
        raise typer.Exit(2)


@app.command()
def report(
    workspace: str = "workspace/demo", study: StudyDigest = None, as_json: AsJson = False
) -> None:
    """Print a summary of the measurements, or with --json all of them."""
    from core.study import open_study
    from precompute import report

    opened = open_study(Store(workspace), study)
    if as_json:
        print(json.dumps(report.rows(opened)))
    else:
        report.show(opened, Console())


@app.command()
def search(
    workspace: str = "workspace/demo",
    file: Annotated[
        list[Path] | None, typer.Option(help="A sound, picture or video; can be repeated.")
    ] = None,
    files: Annotated[
        list[Path] | None, typer.Argument(help="More files.", show_default=False)
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(help="Words to search for, together with the files; can be repeated."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Words to keep away from; can be repeated.")
    ] = None,
    modality: Annotated[str, typer.Option(help="What to find: audio, image or text.")] = "image",
    top: Annotated[int, typer.Option(min=1, help="How many results.")] = 10,
    space: Annotated[
        str | None,
        typer.Option(help="Space to search in. (default: united_all, else translation_all)"),
    ] = None,
    weights: Weights = None,
    study: StudyDigest = None,
    as_json: AsJson = False,
) -> None:
    """Find the items nearest to a file or to words, like the page Retrieve."""
    from core.study import open_study
    from precompute import search

    wanted = search.Wanted(
        files=[*(file or []), *(files or [])],
        texts=text or [],
        without=without or [],
        modality=modality,
        top=top,
        space=space,
    )
    if not wanted.files and not wanted.texts:
        raise UserError("There is nothing to search with: give --file FILE or --text WORDS.")
    opened = open_study(Store(workspace), study)
    failed = search.run(opened, wanted, weights, as_json, Console())
    if failed:
        raise typer.Exit(2)


@app.command("what-if")
def what_if_command(
    workspace: str = "workspace/demo",
    study: StudyDigest = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE to change, such as loss=siglip; can be repeated."),
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(help="NAME=VALUE,VALUE,...: a run for each; lists are joined by +."),
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help="Run or study to compare with. (default: the study)")
    ] = None,
    keep: Annotated[str | None, typer.Option(help="Keep the runs under this name.")] = None,
    by: Annotated[str, typer.Option(help="Who keeps them.")] = "",
    study_file: Annotated[
        Path | None, typer.Option(help="Write the last run as a study file too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train and measure a study's translation by another recipe, like the page Lab."""
    from core.study import open_study
    from precompute import what_if

    opened = open_study(Store(workspace), study)
    what_if.run(opened, changes or [], sweep, compare, keep, by, study_file, as_json, Console())


@app.command("weights")
def weights_command(
    weights: Weights = None,
    download: Annotated[
        list[str] | None,
        typer.Option(help="Download the weights of this encoder; can be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the weights of all encoders, present or absent; download those named."""
    from precompute import downloads

    downloads.run(weights, download or [], as_json, Console())


@app.command()
def dashboard(
    workspace: Annotated[str, typer.Argument(help="Folder or URL.")] = "workspace/demo",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the pages.")] = 8501,
    host: Annotated[
        list[str] | None,
        typer.Option(help="A name under which people reach it, besides localhost; repeatable."),
    ] = None,
    media: Annotated[
        str, typer.Option(help="Allow the workspace to take its media from this folder or URL.")
    ] = "",
) -> None:
    """Start the dashboard on a workspace, at http://localhost:PORT."""
    from precompute import serve

    serve.run(workspace, port, host or (), media)


def main() -> None:
    """Run the command line; an error that the user can fix is printed in one sentence."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # of signs that a terminal lacks
    try:
        app()
    except (UserError, OSError, UnicodeError) as error:
        said = error if isinstance(error, UserError) else _of_system(error)
        console.print(f"Error: {said}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


def _of_system(error: OSError | UnicodeError) -> UserError:
    """What the operating system refused, in one sentence."""
    file = getattr(error, "filename", None)
    reason = getattr(error, "strerror", None) or error
    return UserError(f"{shown(file)}: {reason}." if file else f"The system refused: {reason}.")


if __name__ == "__main__":
    main()
