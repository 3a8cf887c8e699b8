"""Networks published on the Hugging Face Hub: the one place that speaks to `transformers`.

A network is a folder with the hub's own files (`config.json`, `model.safetensors`, and for text
`tokenizer.json`). It is read from this machine alone: nothing is ever fetched but by

    python -m precompute weights --download NAME

No code that a folder may hold is run (`trust_remote_code` stays off), and no pickle is opened:
`model.safetensors` is preferred, and where the publisher has only `pytorch_model.bin`, torch reads
it with `weights_only`.

A folder is looked at before it is believed: the type of network in `config.json`, the sums of files
whose sum is known, every parameter in its place with its shape (`transformers` itself would fill a
gap with random numbers and warn), what the encoder expects of the configuration, and one trial run.
What is wrong is one UserError.
"""

import dataclasses
import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.encoders import weights
from core.encoders.base import Card, WeightsFile, embed_batches
from core.encoders.packed import pack_linear
from core.encoders.torch_device import N_PER_BATCH_CUDA, device
from core.errors import UserError

CACHES = ("~/.cache/huggingface/hub", "$HF_HOME/hub", "$HF_HUB_CACHE")

# Media at a time, on a CPU: so few that their activations stay in the cache, so many that the next
# are prepared meanwhile. Of 1 to 16 none is quicker by more than a tenth for any network here.
N_PER_BATCH = 4

# Tables that a network computes for itself; some releases of transformers wrote them, some did not.
COMPUTED = ("position_ids", "token_type_ids", "relative_position_index", "num_batches_tracked")


@dataclasses.dataclass(frozen=True)
class Network:
    """What a folder must hold.

    architecture : the class of `transformers` that it is loaded into
    model_type : as `config.json` names it
    beside : beginnings of the names of parameters that the encoder has no use for (another tower,
        a classifier); anything else that is left over is refused
    expected : entries of `config.json` that the encoder's preprocessing relies on, `a.b` for nested
        ones
    config : the class of the configuration, where it is not the architecture's own by `model_type`
    options : further arguments of the architecture
    """

    architecture: str
    model_type: str
    beside: tuple[str, ...] = ()
    expected: dict[str, Any] = dataclasses.field(default_factory=dict)
    config: str | None = None
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


def files(repository: str, *names: str) -> tuple[WeightsFile, ...]:
    """The files `names` of a repository "ORGANISATION/NAME" of the hub.

    In a weights folder they lie in a folder NAME; the hub's own cache is looked through too.
    """
    folder = repository.split("/")[1]
    cached = f"models--{repository.replace('/', '--')}/snapshots/*"
    return tuple(
        WeightsFile(
            name=f"{folder}/{name}",
            address=f"https://huggingface.co/{repository}/resolve/main/{name}",
            aliases=(f"{folder}/model.safetensors",) if name == "pytorch_model.bin" else (),
            caches=tuple(f"{cache}/{cached}/{name}" for cache in CACHES),
        )
        for name in names
    )


class Loaded:
    """A network in memory, and the folder that it came from."""

    def __init__(self, card: Card, network: Network, weights_dir: Path | None) -> None:
        self.card = card
        self.folder = weights.folder(card, weights_dir)
        self.weights_sha256: str | None = self._sum(weights_dir)
        self.config = self._read_config(network)
        self.device = device()
        self.module = self._load(network).to(self.device)

    def refuse(self, found: str) -> UserError:
        """What to tell a person of a folder that is something else."""
        source = self.card.weights[0].address.split("/resolve/")[0]
        return UserError(
            f"{self.folder} {found}; {self.card.name} expects the files of {source}: put them in "
            "its place."
        )

    def _sum(self, weights_dir: Path | None) -> str:
        paths = weights.find_all(self.card, weights_dir)
        for file, path in zip(self.card.weights, paths, strict=True):
            if file.sha256 and path.stat().st_size == file.size:
                found = weights.sha256(path)
                if found != file.sha256:
                    raise self.refuse(
                        f"holds a {path.name} of the right size and the wrong sum ({found[:12]}…)"
                    )
        return weights.sha256_of(paths)

    def _read_config(self, network: Network) -> dict[str, Any]:
        try:
            config = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self.refuse("holds a config.json that cannot be read") from error
        found = config.get("model_type") if isinstance(config, dict) else None
        if found != network.model_type:
            raise self.refuse(
                f"holds another network: its type is {found!r}, expected {network.model_type!r}"
            )
        return config

    def _load(self, network: Network) -> Any:
        transformers = _transformers()
        architecture = getattr(transformers, network.architecture)
        kind = getattr(transformers, network.config) if network.config else None
        try:
            config = (kind or architecture.config_class).from_pretrained(
                self.folder, local_files_only=True, trust_remote_code=False
            )
            for entry, value in network.expected.items():
                self._expect(config, entry, value)
            module, report = architecture.from_pretrained(
                self.folder,
                config=config,
                local_files_only=True,
                trust_remote_code=False,
                weights_only=True,
                output_loading_info=True,
                dtype="float32",
                **network.options,
            )
        except UserError:
            raise
        except Exception as error:  # whatever a damaged file makes three libraries raise
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise self.refuse(f"holds a network that cannot be loaded ({first[:120]})") from error
        self._check(report, network)
        return module.eval().requires_grad_(False)

    def _expect(self, config: Any, entry: str, value: Any) -> None:
        found = functools.reduce(
            lambda at, name: getattr(at, name, self.config.get(name)), entry.split("."), config
        )
        if found != value:
            raise self.refuse(
                f"holds another network: its {entry} is {found!r}, expected {value!r}"
            )

    def _check(self, report: dict[str, Any], network: Network) -> None:
        missing = sorted(n for n in report["missing_keys"] if not n.endswith(COMPUTED))
        left = sorted(
            name
            for name in report["unexpected_keys"]
            if not name.endswith(COMPUTED) and not name.startswith(network.beside or ("\0",))
        )
        for names, said in (
            (missing, "lacks"),
            (sorted(str(each) for each in report["mismatched_keys"]), "has in another shape"),
            (left, "has beyond them"),
        ):
            if names:
                raise self.refuse(
                    f"holds another network: it {said} {len(names)} of its parameters ({names[0]})"
                )


class HubEncoder:
    """A network for pictures or sound, and the preprocessing before it.

    prepare : one medium -> a float32 array, of one shape for all
    forward : (the module, a batch of those as a tensor) -> `(b, dim)` tensor

    Its linear layers are laid out for the processor (`core.encoders.packed`).
    """

    def __init__(
        self,
        loaded: Loaded,
        prepare: Callable[[np.ndarray], np.ndarray],
        forward: Callable[[Any, Any], Any],
        n_threads: int,
    ) -> None:
        self.card = loaded.card
        self.weights_sha256 = loaded.weights_sha256
        self.module = loaded.module
        pack_linear(self.module)
        self.prepare = prepare
        self.n_per_batch = N_PER_BATCH_CUDA if loaded.device.type == "cuda" else N_PER_BATCH
        self.n_threads = n_threads
        self._device = loaded.device
        self._forward = forward

    def embed(self, media: Sequence[np.ndarray]) -> np.ndarray:
        """`(n, dim)` float32; see `core.encoders.base.Encoder.embed`."""
        return embed_batches(
            self.prepare, self.run, media, self.card.dim, self.n_per_batch, self.n_threads
        )

    def run(self, batch: np.ndarray) -> np.ndarray:
        """`(b, dim)` float32 of `b` prepared media: the bare network, without gradients."""
        import torch

        with torch.inference_mode():
            moved = torch.from_numpy(batch).to(self._device)
            return self._forward(self.module, moved).float().cpu().numpy()


def first_token_alone(*modules: Any) -> None:
    """Hand these modules the first token of `(b, tokens, dim)` and no other.

    For the last layer of a network of which only the class token is wanted: the way out of its
    attention and all that follows work on that token, and the others' sums are left unfinished.
    """
    for module in modules:
        module.register_forward_pre_hook(lambda _, handed: (handed[0][:, :1], *handed[1:]))


def try_out(loaded: Loaded, encoder: Any, medium: Any) -> None:
    """Embed one medium, so that what would fail later fails now. Raises UserError."""
    try:
        vector = encoder.embed([medium])
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise loaded.refuse(f"holds a network that cannot be run ({first[:120]})") from error
    if not np.isfinite(vector).all():
        raise loaded.refuse("holds a network that gives no finite vector")


def unit(vectors: Any) -> Any:
    """`(b, dim)` tensor, each row brought to unit length."""
    import torch

    return torch.nn.functional.normalize(vectors, dim=-1)


@functools.cache
def _transformers() -> Any:
    """The library, imported once and told to keep its bars and reports to itself."""
    try:
        import transformers
    except ImportError as error:
        raise UserError(
            "The package transformers is not installed: run "
            "`.venv/bin/pip install -r requirements.txt`."
        ) from error
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers
