"""A Ray cluster of two cores on this machine's loopback interface, started once for all tests."""

import dataclasses
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from precompute.engines import engine_for
from tests.object_store import s3_server

# Ray reads these when it is imported: it stays on the loopback interface, and a busy machine has
# more time to start a client's server.
RAY = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "90",
}


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The cluster's address, its address for clients, and a client of the object store."""

    address: str
    client: str
    s3: Any


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("ray", reason="Ray is optional: requirements-ray.txt")
    with pytest.MonkeyPatch.context() as patch, s3_server(patch) as s3:
        for name, value in RAY.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster as Machines

        folder = tempfile.mkdtemp(prefix="ray")  # short: it is part of the names of sockets
        patch.setenv("RAY_TMPDIR", folder)
        Path(folder, "ray").mkdir()  # where Ray notes the newest cluster, for "auto"
        port = free_port()
        small = {"num_cpus": 1, "object_store_memory": 80_000_000}
        head = {**small, "temp_dir": folder, "ray_client_server_port": port}
        machines = Machines(
            initialize_head=True, head_node_args={**head, "include_dashboard": False}
        )
        try:
            machines.add_node(**small)
            yield Cluster(machines.address, f"ray://127.0.0.1:{port}", s3)
        finally:
            machines.shutdown()
            left = processes_of(folder)
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            shutil.rmtree(folder, ignore_errors=True)
    assert not left


@pytest.fixture(scope="session")
def engine(cluster: Cluster) -> Iterator[Any]:
    with engine_for("ray", cluster.address) as engine:
        yield engine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes_of(folder: str) -> list[int]:
    """The processes that name the cluster's folder in their command, after up to 10 seconds."""
    deadline = time.monotonic() + 10
    while True:
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if folder.encode() in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)
