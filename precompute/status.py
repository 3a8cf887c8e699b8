"""`status`: the studies of a workspace, their finished stages, and what is damaged."""

import json

from rich.console import Console
from rich.table import Table

from core.errors import Damaged
from core.items import MODALITIES
from core.record import readable
from core.stages.table import STAGES
from core.store import Store
from core.study import Study, open_study


def run(store: Store, as_json: bool, console: Console) -> None:
    """List the studies, newest first.

    Raises
    ------
    MissingArtefact
        The workspace has no study, and no JSON is asked for.
    """
    records, broken = readable(store)
    rows = []
    for record in records:
        study = Study(store, record)
        done, damaged = set(), []
        for name in study.artefacts:
            try:
                study.artefact(name)
                done.add(name.split(":")[0])
            except Damaged as error:
                damaged.append(str(error))
        rows.append(
            {
                "study": study.digest,
                "dataset": study.config["dataset"],
                **{modality: study.encoders.get(modality, []) for modality in MODALITIES},
                "stages": [stage for stage in STAGES if stage in done],
                "started": record["started"],
                "finished": record["finished"],
                "damaged": damaged,
            }
        )
    if as_json:
        print(json.dumps(rows))
        return
    if not rows:
        open_study(store)  # raises, naming the command that computes one
    table = Table("study", "dataset", "encoders", "stages", "finished")
    for row in rows:
        table.add_row(
            row["study"],
            row["dataset"],
            " × ".join(",".join(row[name]) for name in MODALITIES if row[name]),
            " ".join(row["stages"]),
            row["finished"] or "not yet",
        )
    console.print(table)
    of_records = [str(error) for error in broken.values()]
    for sentence in [*of_records, *(one for row in rows for one in row["damaged"])]:
        console.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
