"""Names of encoder sets, with joined encoders in them."""

import pytest

from core.encoder_sets import encoder_set_name, encoders_by_modality, spaced
from core.errors import UserError


@pytest.mark.parametrize(
    "by_modality",
    [
        {"audio": "logmel", "image": "hog"},
        {"audio": "logmel", "image": "hog", "text": "lsa"},
        {"audio": "logmel", "text": "minilm"},
        {"audio": "ready_audio", "image": "ready_image", "text": "ready_text"},
        {"audio": "yamnet_lite+musicnn", "image": "hog"},
        {"audio": "yamnet_lite=10+musicnn=2.5", "image": "hog", "text": "minilm"},
        {"audio": "logmel", "image": "efficientnet_lite0+efficientnet_lite2", "text": "lsa"},
        {"audio": "logmel+musicnn", "image": "hog+resnet50=0.5", "text": "minilm+lsa"},
    ],
)
def test_a_name_gives_back_its_encoders(by_modality: dict[str, str]) -> None:
    name = encoder_set_name(*by_modality.values())
    assert encoders_by_modality(name) == by_modality
    assert list(encoders_by_modality(name)) == list(by_modality)
    assert spaced(name) == " × ".join(by_modality.values())


def test_an_unknown_encoder_is_one_sentence() -> None:
    with pytest.raises(UserError, match="There is no encoder 'logmell': did you mean 'logmel'"):
        encoders_by_modality("logmell+hog")
