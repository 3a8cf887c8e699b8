"""Networks of the Hugging Face Hub: the one module that uses `transformers`.

A network is a folder with the hub's own files (`config.json`, `model.safetensors`, and for text
`tokenizer.json`). It is read from this machine only; nothing is downloaded except by

    python -m precompute weights --download NAME

No code in a folder is run (`trust_remote_code` stays off), and no pickle is opened:
`model.safetensors` is preferred, and where the publisher has only `pytorch_model.bin`, torch reads
it with `weights_only`.

A folder is checked when it is loaded: the type of network in `config.json`, the sums of files whose
sum is known, every parameter present with its shape (`transformers` itself would fill a gap with
random numbers and warn), the configuration that the encoder relies on, and one trial run. Anything
wrong is one UserError.
"""

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core.encoders import weights
from core.encoders.base import Card, Encoder, WeightsFile, refusal
from core.encoders.packed import pack_linear
from core.encoders.torch_network import TorchEncoder, device
from core.errors import UserError
from core.once import library

# Media at a time on a CPU: few enough that their activations stay in the cache, enough that the
# next are prepared meanwhile. From 1 to 16, none is faster by more than a tenth for any network.
N_PER_BATCH = 4

# Tables that a network computes itself; some releases of transformers stored them, some did not.
COMPUTED = ("position_ids", "token_type_ids", "relative_position_index", "num_batches_tracked")

Loader = Callable[[Path | None, int], Encoder]


@dataclasses.dataclass(frozen=True)
class HubSpec:
    """What a folder must hold.

    architecture : the class of `transformers` that it is loaded into
    model_type : as named in `config.json`
    unused : prefixes of parameters that the encoder does not need (another tower, a classifier);
        any other surplus parameter is refused
    expected : entries of `config.json` that the preprocessing relies on
    options : further arguments of the architecture
    """

    architecture: str
    model_type: str
    unused: tuple[str, ...] = ()
    expected: dict[str, Any] = dataclasses.field(default_factory=dict)
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


def files(repository: str, *names: str) -> tuple[WeightsFile, ...]:
    """The files `names` of a repository "ORGANISATION/NAME" of the hub.

    In a weights folder they are in a folder NAME.
    """
    folder = repository.split("/")[1]
    return tuple(
        WeightsFile(
            name=f"{folder}/{name}",
            address=f"https://huggingface.co/{repository}/resolve/main/{name}",
            aliases=(f"{folder}/model.safetensors",) if name == "pytorch_model.bin" else (),
        )
        for name in names
    )


class HubNetwork:
    """A network in memory, and the folder that it came from.

    Raises MissingWeights when its files are not on this machine, UserError when they are not those
    of the network that the card describes.
    """

    def __init__(self, card: Card, spec: HubSpec, weights_dir: Path | None) -> None:
        self.card = card
        self.folder = weights.folder(card, weights_dir)
        self.refuse = refusal(self.folder, card)
        self.weights_sha256 = self._sum(weights_dir)
        self.config = self._read_config(spec)
        self.device = device()
        self.module = self._load(spec).to(self.device)

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

    def _read_config(self, spec: HubSpec) -> dict[str, Any]:
        try:
            config = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self.refuse("holds a config.json that cannot be read") from error
        found = config.get("model_type") if isinstance(config, dict) else None
        if found != spec.model_type:
            raise self.refuse(
                f"holds another network: its type is {found!r}, expected {spec.model_type!r}"
            )
        return config

    def _load(self, spec: HubSpec) -> Any:
        architecture = getattr(_transformers(), spec.architecture)
        try:
            config = architecture.config_class.from_pretrained(
                self.folder, local_files_only=True, trust_remote_code=False
            )
            self._check_config(config, spec)
            module, report = architecture.from_pretrained(
                self.folder,
                config=config,
                local_files_only=True,
                trust_remote_code=False,
                weights_only=True,
                output_loading_info=True,
                dtype="float32",
                **spec.options,
            )
        except UserError:
            raise
        except Exception as error:  # a damaged file makes three libraries raise errors of all kinds
            raise self.refuse(f"holds a network that cannot be loaded ({_brief(error)})") from error
        self._check_parameters(report, spec)
        return module.eval().requires_grad_(False)

    def _check_config(self, config: Any, spec: HubSpec) -> None:
        for entry, value in spec.expected.items():
            found = getattr(config, entry, self.config.get(entry))
            if found != value:
                raise self.refuse(
                    f"holds another network: its {entry} is {found!r}, expected {value!r}"
                )

    def _check_parameters(self, report: dict[str, Any], spec: HubSpec) -> None:
        missing = [name for name in report["missing_keys"] if not name.endswith(COMPUTED)]
        surplus = [
            name
            for name in report["unexpected_keys"]
            if not name.endswith(COMPUTED) and not name.startswith(spec.unused)
        ]
        for names, problem in (
            (missing, "missing"),
            ([str(each) for each in report["mismatched_keys"]], "of another shape"),
            (surplus, "not expected"),
        ):
            if names:
                raise self.refuse(
                    f"holds another network: {len(names)} of its parameters are {problem} "
                    f"({min(names)})"
                )

    def try_out(self, encoder: Encoder) -> None:
        """Embed one medium, so that a network that cannot run fails now. Raises UserError."""
        media: dict[str, Any] = {
            "audio": np.zeros(self.card.rate_hz or 1, np.float32),
            "image": np.zeros((self.card.size_px or 1, self.card.size_px or 1, 3), np.uint8),
            "text": "",
        }
        try:
            vector = encoder.embed([media[self.card.modality]])
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise self.refuse(f"holds a network that cannot be run ({_brief(error)})") from error
        if not np.isfinite(vector).all():
            raise self.refuse("holds a network that gives no finite vector")


def loader(
    card: Card,
    spec: HubSpec,
    prepare: Callable[[np.ndarray], np.ndarray],
    forward: Callable[[Any, Any], Any],
    adjust: Callable[[HubNetwork], None] = lambda network: None,
) -> Loader:
    """The function that loads an encoder of pictures or sound.

    Parameters
    ----------
    card : Card
    spec : HubSpec
    prepare : callable
        One medium to a float32 array, of one shape for all.
    forward : callable
        The torch module and a batch of prepared media, as tensors, to a `(b, dim)` tensor.
    adjust : callable, optional
        Changes the network after it is loaded.
    """

    def load(weights_dir: Path | None, n_threads: int) -> Encoder:
        """Raises as `HubNetwork`."""
        network = HubNetwork(card, spec, weights_dir)
        adjust(network)
        pack_linear(network.module)
        encoder = TorchEncoder(
            card,
            prepare,
            functools.partial(forward, network.module),
            network.weights_sha256,
            n_threads,
            N_PER_BATCH,
            network.module,
        )
        network.try_out(encoder)
        return encoder

    return load


def first_token_only(*modules: Any) -> None:
    """Make these modules see the first token of `(b, tokens, dim)` only.

    For the last layer of a network whose class token alone is used: the output projection of its
    attention and all that follows then work on that token, and the others are not computed.
    """
    for module in modules:
        module.register_forward_pre_hook(lambda _, inputs: (inputs[0][:, :1], *inputs[1:]))


def unit(vectors: Any) -> Any:
    """`(b, dim)` tensor, each row scaled to unit length."""
    import torch

    return torch.nn.functional.normalize(vectors, dim=-1)


def _brief(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _transformers() -> Any:
    """The library, without its progress bars and reports."""
    try:
        transformers = library("transformers")
    except ImportError as error:
        raise UserError(
            "The package transformers is not installed: run "
            "`.venv/bin/pip install -r requirements.txt`."
        ) from error
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers
