"""`make cluster`: a study on three hosts, one killed and one cut off, against the local engine.

python -m tests.cluster --dataset demo --size 360

Three network namespaces are the hosts, joined by a bridge in a fourth; each has an address of its
own and sees the workspace at the same path. A Ray head and two workers run in them. While the study
runs, one worker's host is killed and the other's network is cut for a while. Digests and report
must be those of the local engine. Needs Linux, root and `ip netns`; otherwise it says why it
skips, with exit code 0.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.precompute_runs import manifests
from tests.ready_vectors import write_table

REPO = Path(__file__).resolve().parents[2]
NET, HOSTS = "jee-net", {"jee-head": "10.77.0.1", "jee-one": "10.77.0.2", "jee-two": "10.77.0.3"}
PORT = 6379
START_S, RUN_S = 120, 1_800
PRECOMPUTE = [sys.executable, "-m", "precompute"]
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def inside(host: str, *command: str) -> list[str]:
    """A command as it is run on a host."""
    return ["ip", "netns", "exec", host, *command]


def why_not() -> str:
    """Why namespaces cannot be made here; "" if they can."""
    if not shutil.which("ip"):
        return "there is no `ip` on this machine"
    tried = subprocess.run(["ip", "netns", "add", NET], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"network namespaces are not permitted here: {tried.stderr.strip()}"
    ip("netns", "delete", NET)
    try:
        import ray  # noqa: F401
    except ImportError:
        return "Ray is not installed: requirements-ray.txt"
    return ""


@contextlib.contextmanager
def hosts() -> Iterator[None]:
    """The namespaces and their network, for as long as the block lasts."""
    made = []
    try:
        for name in (NET, *HOSTS):
            ip("netns", "add", name)
            made.append(name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", NET, "link", "add", "bridge", "type", "bridge")
        ip("-n", NET, "link", "set", "bridge", "up")
        for number, (host, address) in enumerate(HOSTS.items()):
            ends = ("link", "add", "eth0", "netns", host, "type", "veth")
            ip(*ends, "peer", "name", f"port{number}", "netns", NET)
            ip("-n", NET, "link", "set", f"port{number}", "master", "bridge", "up")
            ip("-n", host, "address", "add", f"{address}/24", "dev", "eth0")
            ip("-n", host, "link", "set", "eth0", "up")
            ip("-n", host, "route", "add", "default", "dev", "eth0")
        yield
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "delete", name], check=False)


@contextlib.contextmanager
def cluster(log: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """A head and two workers with one core each: `{host: process}`."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    ray = str(Path(sys.executable).with_name("ray"))
    temporary = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # sockets need short paths
    try:
        for host, address in HOSTS.items():
            role = (
                ["--head", f"--port={PORT}", f"--temp-dir={temporary}", "--include-dashboard=false"]
                if not running
                else [f"--address={HOSTS['jee-head']}:{PORT}"]
            )
            command = [ray, "start", *role, f"--node-ip-address={address}", "--num-cpus=1"]
            with (log / f"{host}.txt").open("wb") as file:
                running[host] = subprocess.Popen(
                    inside(host, *command, "--block", "--object-store-memory=200000000"),
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **QUIET},
                    cwd=REPO,
                    start_new_session=True,
                )
            until(lambda: n_nodes() >= len(running), f"{host} joins", START_S)
        yield running
    finally:
        for process in running.values():
            end(process)
        for host in HOSTS:
            end_all(host)
        shutil.rmtree(temporary, ignore_errors=True)


def n_nodes() -> int:
    """How many hosts the cluster has."""
    address = f"{HOSTS['jee-head']}:{PORT}"
    code = (
        "import sys; from ray._raylet import GcsClient as G; "
        f"c = G(address='{address}'); "
        "print(sum(one.state == 0 for one in c.get_all_node_info(timeout=5).values()))"
    )
    found = subprocess.run(
        inside("jee-head", sys.executable, "-c", code), capture_output=True, text=True, check=False
    )
    return int(found.stdout) if found.returncode == 0 and found.stdout.strip() else 0


def until(done: object, what: str, seconds: float) -> None:
    """Wait for a state."""
    limit = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        if time.monotonic() > limit:
            raise SystemExit(f"{what}: not within {seconds:.0f} s")
        time.sleep(1)


def end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_all(host: str) -> None:
    """Kill every process of a host, as a power cut does."""
    found = subprocess.run(
        ["ip", "netns", "pids", host], capture_output=True, text=True, check=False
    )
    for pid in found.stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def cut(host: str, off: bool) -> None:
    """Unplug a host from the bridge, or plug it in again."""
    port = f"port{list(HOSTS).index(host)}"
    ip("-n", NET, "link", "set", port, "down" if off else "up")


def small(folder: Path) -> list[str]:
    """A study of some seconds: ready vectors, few trees."""
    file = folder / "study.yaml"
    values = {
        "dataset": f"table:{write_table(folder)}",
        "splits": 2,
        "mix_in_draws": 2,
        "forest": {"n_trees": 5},
        "translation": {"max_epochs": 40},
    }
    file.write_text(json.dumps(values))  # which is YAML too
    return ["all", "--study", str(file)]


def parts(workspace: Path) -> set[str]:
    """The artefacts of a workspace by stage and digest."""
    return {str(Path(path).parent.relative_to(workspace)) for path in manifests(workspace)}


def report(workspace: Path) -> list[dict[str, object]]:
    ran = subprocess.run(
        [*PRECOMPUTE, "report", "--workspace", str(workspace), "--json"],
        check=True, capture_output=True, text=True, cwd=REPO,
    )  # fmt: skip
    rows: list[dict[str, object]] = json.loads(ran.stdout)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("--dataset", default="", help="by default a small study of vectors")
    parser.add_argument("--size", default="")
    parser.add_argument("--cut", type=float, default=30.0, help="seconds without network")
    parser.add_argument("--log", type=Path, default=Path("cluster-log"))
    given = parser.parse_args()
    if reason := why_not():
        print(f"skipped: {reason}")
        return 0
    given.log.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cluster-") as folder:
        study = ["all", "--dataset", given.dataset] if given.dataset else small(Path(folder))
        study += ["--size", given.size] if given.size else []
        local, spread = Path(folder) / "local", Path(folder) / "spread"
        started = time.monotonic()
        subprocess.run([*PRECOMPUTE, *study, "--workspace", str(local)], check=True, cwd=REPO)
        print(f"the local engine took {time.monotonic() - started:.0f} s", flush=True)
        with hosts(), cluster(given.log) as running:
            print(f"{n_nodes()} hosts", flush=True)
            started = time.monotonic()
            address = f"{HOSTS['jee-head']}:{PORT}"
            words = ["--engine", "ray", "--address", address, "--workspace", str(spread)]
            with (given.log / "run.txt").open("wb") as file:
                run = subprocess.Popen(
                    inside("jee-head", *PRECOMPUTE, *study, *words),
                    stdout=file, stderr=subprocess.STDOUT, cwd=REPO, env={**os.environ, **QUIET},
                )  # fmt: skip
            until(lambda: list(spread.glob("ingest/*/manifest.json")), "ingest", RUN_S)
            end_all("jee-one")
            end(running["jee-one"])
            print(f"jee-one killed after {time.monotonic() - started:.0f} s", flush=True)
            cut("jee-two", off=True)
            time.sleep(given.cut)
            cut("jee-two", off=False)
            print(f"jee-two was without network for {given.cut:.0f} s", flush=True)
            code = run.wait(RUN_S)
            print(f"the run ended with {code} after {time.monotonic() - started:.0f} s", flush=True)
        if code:
            print((given.log / "run.txt").read_text("utf-8", "replace")[-2_000:])
            return 1
        differ = parts(local) ^ parts(spread)
        if differ:
            print(f"artefacts of one alone: {', '.join(sorted(differ))}")
        same = not differ and report(local) == report(spread)
        print(f"digests and report {'are those' if same else 'are not those'} of the local engine")
        return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
