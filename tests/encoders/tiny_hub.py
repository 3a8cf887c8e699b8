"""Tiny random networks of `transformers`, in the hub's layout: no downloaded weights.

Every network has its encoder's width, and few and narrow layers. Those for pictures and sound can
also be `whole`, with the published layers, for tests and benchmarks of their cost. The vocabularies
are made here.
"""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.encoders import ast, bert, clap, clip, dinov2, mert, minilm

WORDS = ["a", "the", "someone", "plays", "drum", "flute", "violin", "slow", "loud", "##s", "##ing"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def folder(path: Path) -> Path:
    """`path` filled with a tiny network for every encoder of the hub."""
    for card, make in MAKERS:
        make(path / Path(card.weights[0].name).parts[0])
    return path


def wordpiece(path: Path) -> int:
    """A BERT tokenizer of letters and a few words; how many tokens it has."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    letters = [chr(each) for each in range(ord("a"), ord("z") + 1)]
    pieces = [*SPECIAL, *WORDS, *(each for each in letters if each != "a")]
    pieces += [f"##{each}" for each in letters if each != "s"]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(each, vocabulary[each]) for each in ("[CLS]", "[SEP]")],
    )
    # As published, it cuts and pads to 128; the encoder must override that.
    tokenizer.enable_truncation(128)
    tokenizer.enable_padding(length=128)
    tokenizer.save(str(path / "tokenizer.json"))
    return len(vocabulary)


def bytes_bpe(path: Path, begin: str, end: str, specials: list[str]) -> int:
    """A byte-level BPE tokenizer without any merge; how many tokens it has."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {each: index for index, each in enumerate([*specials, *alphabet, begin, end])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        special_tokens=[(each, vocabulary[each]) for each in (begin, end)],
    )
    tokenizer.save(str(path / "tokenizer.json"))
    return len(vocabulary)


def build(path: Path, name: str, config: Any, **save: Any) -> Any:
    """A network with random parameters, saved; the same parameters every time."""
    import torch
    import transformers

    path.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = getattr(transformers, name)(config).eval()
        for parameter in module.parameters():  # published ones are not so small
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.05)
    module.save_pretrained(path)
    return module


def text_tower(width: int, n_tokens: int, **changes: Any) -> dict[str, Any]:
    return {
        "vocab_size": n_tokens,
        "hidden_size": width,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        **changes,
    }


def make_bert(path: Path, width: int = 768, architecture: str = "BertForPreTraining") -> Any:
    from transformers import BertConfig

    path.mkdir(parents=True, exist_ok=True)
    return build(path, architecture, BertConfig(**text_tower(width, wordpiece(path))))


def make_clip(path: Path, whole: bool = False) -> Any:
    from transformers import CLIPConfig

    path.mkdir(parents=True, exist_ok=True)
    n_tokens = bytes_bpe(path, "<|startoftext|>", "<|endoftext|>", [])
    vision = text_tower(64, 0, image_size=224, patch_size=32)
    del vision["vocab_size"]
    if whole:
        vision = {}  # the configuration's own defaults are ViT-B/32
    config = CLIPConfig(
        text_config=text_tower(64, n_tokens, eos_token_id=n_tokens - 1, bos_token_id=n_tokens - 2),
        vision_config=vision,
        projection_dim=512,
    )
    return build(path, "CLIPModel", config)


def make_clap(path: Path, whole: bool = False) -> Any:
    from transformers import ClapConfig

    path.mkdir(parents=True, exist_ok=True)
    n_tokens = bytes_bpe(path, "<s>", "</s>", ["<unk>", "<pad>"])
    audio = {
        "patch_embeds_hidden_size": 8,
        "hidden_size": 64,
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 1, 2, 2],
    }
    if whole:  # HTSAT-tiny
        audio = {
            "patch_embeds_hidden_size": 96,
            "hidden_size": 768,
            "depths": [2, 2, 6, 2],
            "num_attention_heads": [4, 8, 16, 32],
        }
    config = ClapConfig(audio_config=audio, text_config=text_tower(64, n_tokens))
    return build(path, "ClapModel", config)


def make_dinov2(path: Path, whole: bool = False) -> Any:
    from transformers import Dinov2Config

    layers = {} if whole else {"num_hidden_layers": 1, "num_attention_heads": 4, "mlp_ratio": 1}
    config = Dinov2Config(hidden_size=768, image_size=518, patch_size=14, **layers)
    return build(path, "Dinov2Model", config)


def make_ast(path: Path, whole: bool = False) -> Any:
    from transformers import ASTConfig

    tiny = {"num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 32}
    config = ASTConfig(hidden_size=768, **({} if whole else tiny))
    return build(path, "ASTForAudioClassification", config)


def make_mert(path: Path, whole: bool = False) -> Any:
    """As published: HuBERT's parameters in a `pytorch_model.bin`, a type of its own."""
    import torch
    from transformers import HubertConfig

    tiny = {
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 32,
        "conv_dim": (16,) * 7,
        "num_conv_pos_embeddings": 16,
    }
    config = HubertConfig(hidden_size=768, **({} if whole else tiny))
    module = build(path, "HubertModel", config)
    (path / "model.safetensors").unlink()
    names = {"parametrizations.weight.original0": "weight_g"}
    names["parametrizations.weight.original1"] = "weight_v"
    state = {
        functools.reduce(lambda at, old: at.replace(old, names[old]), names, name): value
        for name, value in module.state_dict().items()
    }
    torch.save(state, path / "pytorch_model.bin")
    settings = json.loads((path / "config.json").read_text())
    settings |= {
        "model_type": "mert_model",
        "architectures": ["MERTModel"],
        "auto_map": {"AutoModel": "modeling_MERT.MERTModel"},
        "feature_extractor_cqt": False,
        "deepnorm": False,
        "attention_relax": -1.0,
    }
    (path / "config.json").write_text(json.dumps(settings))
    return module


def as_bin(path: Path) -> None:
    """Turn `model.safetensors` of a folder into the older `pytorch_model.bin`."""
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(path / "model.safetensors"), path / "pytorch_model.bin")
    (path / "model.safetensors").unlink()


def _older(make: Callable[[Path], Any]) -> Callable[[Path], Any]:
    def made(path: Path) -> Any:
        module = make(path)
        as_bin(path)
        return module

    return made


MAKERS: list[tuple[Any, Callable[[Path], Any]]] = [
    (bert.CARD, make_bert),
    (minilm.CARD, functools.partial(make_bert, width=384, architecture="BertModel")),
    (clip.TEXT_CARD, _older(make_clip)),
    (clap.TEXT_CARD, _older(make_clap)),
    (dinov2.CARD, make_dinov2),
    (ast.CARD, make_ast),
    (mert.CARD, make_mert),
]
