"""The labelled items that forests learn from and are tested on, in a draft, for any worker.

They are written once; a task names the draft and reads them there. What forests leave behind lies
in the same folder of the draft, which the stage removes in the end.
"""

import functools

from core.store import Draft, Store
from core.studies.classification import Items, Labelled

FOLDER = "forests"  # of a draft
CONTENTS = f"{FOLDER}/items.json"  # written after the items: they are whole when it is there


def keep(draft: Draft, train: Items, test: Items) -> None:
    """Write the items, `space -> modality -> Labelled`, where the draft lacks them."""
    if draft.has(CONTENTS):
        return
    contents = []
    for subset, items in {"train": train, "test": test}.items():
        for space, modalities in items.items():
            for modality, labelled in modalities.items():
                draft.write_array(_file(subset, space, modality, "x"), labelled.x)
                draft.write_array(_file(subset, space, modality, "y"), labelled.y)
                contents.append([subset, space, modality])
    draft.write_json(CONTENTS, contents)


@functools.lru_cache(maxsize=2)
def read(store_root: str, folder: str) -> tuple[Items, Items]:
    """The items of the draft in `folder`, train and test.

    They are memory-mapped where the workspace is a folder.
    """
    store = Store(store_root)
    found: dict[str, dict[str, dict[str, Labelled]]] = {"train": {}, "test": {}}
    for subset, space, modality in store.json(f"{folder}/{CONTENTS}"):
        x, y = (store.array(f"{folder}/{_file(subset, space, modality, part)}") for part in "xy")
        found[subset].setdefault(space, {})[modality] = Labelled(x, y)
    return found["train"], found["test"]


def _file(subset: str, space: str, modality: str, part: str) -> str:
    return f"{FOLDER}/{subset}.{space}.{modality}.{part}.npy"
