"""`check`: the damaged files of a workspace, what was made of them, and their repair."""

from rich.console import Console

from core import soundness
from core.engines.base import Engine
from core.errors import UserError
from core.store import Store


def run(store: Store, repair: bool, engine: Engine, console: Console) -> bool:
    """List damage, and repair it if `repair`; whether the workspace is sound at the end.

    Raises
    ------
    UserError
        Damage remains after the repair.
    """
    found = soundness.damage(store)
    if not found:
        console.print(f"The workspace {store.root} has no damage.", highlight=False)
        return True
    for one in found:
        for problem in one.problems:
            _print(console, problem.split(": run `")[0].rstrip(".") + ".")
    made = soundness.made_of(store, [one.part for one in found])
    if made:
        _print(console, f"Made of them: {', '.join(made)}.")
    studies = soundness.studies_with(store, [one.part for one in found])
    _print(console, f"Studies that use them: {', '.join(studies) or 'none'}.")
    if not repair:
        command = f"python -m precompute check --workspace {store.root} --repair"
        _print(console, f"`{command}` makes them again.")
        return False
    with engine:
        lost = soundness.repair(store, found, engine)
    if lost:
        raise UserError(
            f"The studies {', '.join(lost)} have lost their record and their settings: run the "
            "command that made them again; artefacts that are there are not computed again."
        )
    left = soundness.damage(store)
    if left:
        raise UserError(f"Damage is left after the repair: {left[0].problems[0]}")
    console.print(f"The workspace {store.root} is sound again.", highlight=False)
    return True


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
