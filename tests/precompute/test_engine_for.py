"""The engine that `--engine` and `--address` name."""

import pytest

from core.engines.local import LocalEngine
from core.errors import UserError
from precompute.__main__ import engine_for


def test_the_local_engine_takes_a_number_of_workers() -> None:
    engine = engine_for("local", n_workers=3)
    assert isinstance(engine, LocalEngine)
    assert engine.n_workers == 3


def test_unknown_engines_and_useless_addresses_are_refused() -> None:
    with pytest.raises(UserError, match=r"no engine 'rai': expected local or ray\."):
        engine_for("rai")
    with pytest.raises(UserError, match=r"add `--engine ray`"):
        engine_for("local", "auto")
