"""Networks of the hub: what a folder must hold, and that other folders are refused."""

import dataclasses
import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import constants

from core import encoders
from core.encoders import ast, bert, clap, clip, dinov2, hub, mert, minilm, weights
from core.errors import MissingWeights, UserError
from tests.encoders import tiny_hub

CARDS = [
    bert.CARD,
    minilm.CARD,
    clip.IMAGE_CARD,
    clip.TEXT_CARD,
    clap.AUDIO_CARD,
    clap.TEXT_CARD,
    dinov2.CARD,
    ast.CARD,
    mert.CARD,
]


@pytest.fixture
def copied(hub_folder: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of one network's folder, to be damaged; its parent is the weights folder."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(hub_folder / name, tmp_path / name))

    return copy


def state(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def save(folder: Path, parameters: dict[str, Any]) -> None:
    from safetensors.torch import save_file

    save_file(parameters, folder / "model.safetensors", {"format": "pt"})


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def published(name: str) -> Any:
    """The network of a card at its published size, without memory for its parameters."""
    import torch
    import transformers as hf

    small = {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}
    makers: dict[str, Callable[[], Any]] = {
        "bert": lambda: hf.BertModel(hf.BertConfig(), add_pooling_layer=False),
        "minilm": lambda: hf.BertModel(hf.BertConfig(**small), add_pooling_layer=False),
        "clip_image": lambda: hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig()),
        "clip_text": lambda: hf.CLIPTextModelWithProjection(hf.CLIPTextConfig()),
        "clap_audio": lambda: hf.ClapAudioModelWithProjection(hf.ClapAudioConfig()),
        "clap_text": lambda: hf.ClapTextModelWithProjection(hf.ClapTextConfig()),
        "dinov2": lambda: hf.Dinov2Model(hf.Dinov2Config(image_size=518)),
        "ast": lambda: hf.ASTModel(hf.ASTConfig()),
        "mert": lambda: hf.HubertModel(hf.HubertConfig()),
    }
    with torch.device("meta"):
        return makers[name]()


@pytest.mark.parametrize("name", [card.name for card in CARDS])
def test_cards_count_the_parameters_of_the_published_network(name: str) -> None:
    found = sum(each.numel() for each in published(name).parameters())
    assert encoders.card(name).parameters == found


def test_joint_spaces_are_shared_by_their_two_towers() -> None:
    joint = {card.name: card.joint for card in CARDS if card.joint}
    assert joint == {
        "clip_image": "clip",
        "clip_text": "clip",
        "clap_audio": "clap",
        "clap_text": "clap",
    }


def test_loading_opens_no_connection(hub_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError(f"a connection to {arguments} was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for card in CARDS:
        encoders.load(card.name, hub_folder)


def test_absent_files_are_named_with_their_address(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"facebook/dinov2-base/resolve/main/config\.json"):
        encoders.load("dinov2", tmp_path)


def test_the_hubs_own_cache_is_found(
    hub_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = tmp_path / "hub/models--facebook--dinov2-base/snapshots/f9e44c"
    shutil.copytree(hub_folder / "dinov2-base", snapshot)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("JEE_WEIGHTS", str(tmp_path / "none"))
    assert weights.folder(dinov2.CARD) == snapshot


def test_the_names_that_bert_was_published_with(copied: Callable[[str], Path]) -> None:
    folder = copied("bert-base-uncased")
    expected = encoders.load("bert", folder.parent).embed(["a slow violin"])
    parameters = state(folder)
    legacy = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): value
        for name, value in parameters.items()
    }
    save(folder, legacy)
    found = encoders.load("bert", folder.parent).embed(["a slow violin"])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_safetensors_may_replace_the_older_file(copied: Callable[[str], Path]) -> None:
    import torch

    folder = copied("clip-vit-base-patch32")
    text = ["a slow violin"]
    older = encoders.load("clip_text", folder.parent)
    save(folder, torch.load(folder / "pytorch_model.bin", weights_only=True))
    (folder / "pytorch_model.bin").unlink()
    newer = encoders.load("clip_text", folder.parent)
    np.testing.assert_allclose(newer.embed(text), older.embed(text), rtol=0, atol=1e-6)
    assert newer.weights_sha256 != older.weights_sha256
    assert (folder / "model.safetensors") in weights.find_all(clip.TEXT_CARD, folder.parent)


class Malicious:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, ("raise SystemExit('a pickle was run')",)


def test_a_pickle_is_refused(copied: Callable[[str], Path]) -> None:
    import torch

    folder = copied("MERT-v1-95M")
    torch.save({"masked_spec_embed": Malicious()}, folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"MERT-v1-95M holds a network that cannot be loaded"):
        encoders.load("mert", folder.parent)


def test_code_in_the_folder_is_not_run(copied: Callable[[str], Path]) -> None:
    folder = copied("MERT-v1-95M")
    (folder / "modeling_MERT.py").write_text("raise SystemExit('remote code was run')\n")
    assert encoders.load("mert", folder.parent).card.dim == 768


def test_computed_tables_may_be_missing_or_surplus(copied: Callable[[str], Path]) -> None:
    import torch

    folder = copied("clap-htsat-unfused")
    path = folder / "pytorch_model.bin"
    sound = np.sin(np.arange(48_000) / 20).astype(np.float32)
    expected = encoders.load("clap_audio", folder.parent).embed([sound])
    parameters = torch.load(path, weights_only=True)
    dropped = [name for name in parameters if name.endswith(hub.COMPUTED)]
    assert dropped
    kept = {name: value for name, value in parameters.items() if name not in dropped}
    torch.save(kept, path)
    found = encoders.load("clap_audio", folder.parent).embed([sound])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


# -- folders that are something else ---------------------------------------------------------


def cut_off(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def one_missing(folder: Path) -> None:
    parameters = state(folder)
    parameters.pop("bert.encoder.layer.1.output.dense.bias")
    save(folder, parameters)


def one_too_many(folder: Path) -> None:
    import torch

    save(folder, state(folder) | {"bert.encoder.layer.2.output.dense.bias": torch.zeros(768)})


def one_of_another_shape(folder: Path) -> None:
    import torch

    save(folder, state(folder) | {"bert.encoder.layer.1.output.dense.bias": torch.zeros(7)})


def not_finite(folder: Path) -> None:
    parameters = state(folder)
    parameters["bert.embeddings.LayerNorm.weight"].fill_(float("nan"))
    save(folder, parameters)


def another_type(folder: Path) -> None:
    change_config(folder, model_type="roberta")


def another_width(folder: Path) -> None:
    tiny_hub.make_bert(folder, width=128)


def no_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def no_object(folder: Path) -> None:
    (folder / "config.json").write_text("[1]")


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


def larger_tokenizer(folder: Path) -> None:
    tiny_hub.bytes_bpe(folder, "<s>", "</s>", [])


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (cut_off, "cannot be loaded"),
        (empty_weights, "cannot be loaded"),
        (
            one_missing,
            r"1 of its parameters are missing \(encoder\.layer\.1\.output\.dense\.bias\)",
        ),
        (one_too_many, r"1 of its parameters are not expected"),
        (one_of_another_shape, "cannot be loaded|1 of its parameters are of another shape"),
        (not_finite, "gives no finite vector"),
        (another_type, "its type is 'roberta', expected 'bert'"),
        (another_width, "its hidden_size is 128, expected 768"),
        (no_json, r"config\.json that cannot be read"),
        (no_object, "its type is None, expected 'bert'"),
        (no_tokenizer, r"tokenizer\.json that cannot be read"),
        (larger_tokenizer, r"a tokenizer of 258 tokens for a network that knows"),
    ],
)
def test_another_folder_is_one_sentence(
    damage: Callable[[Path], None], match: str, copied: Callable[[str], Path]
) -> None:
    folder = copied("bert-base-uncased")
    damage(folder)
    with pytest.raises(UserError, match=match) as caught:
        encoders.load("bert", folder.parent)
    message = str(caught.value)
    assert message.startswith(f"{folder} ")
    assert "https://huggingface.co/google-bert/bert-base-uncased" in message
    assert "\n" not in message


def test_mert_with_additions_is_refused(copied: Callable[[str], Path]) -> None:
    folder = copied("MERT-v1-95M")
    change_config(folder, feature_extractor_cqt=True)
    with pytest.raises(UserError, match="its feature_extractor_cqt is True, expected False"):
        encoders.load("mert", folder.parent)


def test_ast_for_shorter_sounds_is_refused(copied: Callable[[str], Path]) -> None:
    from transformers import ASTConfig

    folder = copied("ast-finetuned-audioset-10-10-0.4593")
    config = ASTConfig(
        hidden_size=768,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=32,
        max_length=64,
    )
    tiny_hub.build(folder, "ASTForAudioClassification", config)
    with pytest.raises(UserError, match="hears 5 columns of patches, expected 9 or more"):
        encoders.load("ast", folder.parent)


def test_a_known_size_with_another_sum_is_refused(copied: Callable[[str], Path]) -> None:
    folder = copied("dinov2-base")
    size = (folder / "model.safetensors").stat().st_size
    files = [dataclasses.replace(each, size=size, sha256="0" * 64) for each in dinov2.CARD.weights]
    card = dataclasses.replace(dinov2.CARD, weights=tuple(files))
    with pytest.raises(UserError, match=r"model\.safetensors of the right size and the wrong sum"):
        hub.HubNetwork(card, dinov2.SPEC, folder.parent)


def test_parameters_are_frozen_and_in_evaluation(hub_folder: Path) -> None:
    for card in CARDS:
        module = encoders.load(card.name, hub_folder).module  # type: ignore[attr-defined]
        assert not module.training
        assert not any(each.requires_grad for each in module.parameters())
