"""The engine that the command line names: this machine, or a Ray cluster."""

from rich.console import Console

from core.engines.base import Engine
from core.engines.local import LocalEngine
from core.errors import UserError


def engine_for(
    name: str,
    address: str | None = None,
    n_workers: int | None = None,
    console: Console | None = None,
) -> Engine:
    """The engine of this name; it starts nothing before its first use.

    Parameters
    ----------
    name : `local` or `ray`
    address : of a Ray cluster: `auto`, `local`, `HOST:PORT` or `ray://HOST:PORT`
    n_workers : how many tasks run at once; one per core by default
    console : where progress is shown

    Raises
    ------
    UserError
        The name is unknown, Ray is not installed, or the local engine was given an address.
    """
    if name == "local":
        if address is not None:
            raise UserError(
                f"The local engine takes no address, and {address!r} was given: add "
                "`--engine ray`, or leave --address out."
            )
        return LocalEngine(n_workers, console)
    if name == "ray":
        from core.engines.ray import RayEngine

        return RayEngine(address or "auto", n_workers, console)
    raise UserError(f"There is no engine {name!r}: expected local or ray.")
