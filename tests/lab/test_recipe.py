"""Settings of a run: names, types, checks."""

import json
from dataclasses import asdict

import pytest

from core.errors import UserError
from core.lab.recipe import Settings, in_words, settings_of
from core.study import Study


def test_a_study_has_the_settings_that_it_was_computed_with(study: Study) -> None:
    own = settings_of(study)
    assert own.recipe.encoder_set == study.default_encoder_set
    assert own.evaluation.draws == study.config["mix_in_draws"]
    trained = study.artefact(f"train:{study.default_encoder_set}:0").manifest["key"]["recipe"]
    assert asdict(own.recipe.translation) == trained
    assert own.differences(settings_of(study)) == {}


def test_values_are_set_by_short_and_full_names_and_read_from_text(study: Study) -> None:
    own = settings_of(study)
    one = own.changed({"translation.loss": "siglip", "share": "0.1", "points": "0, 12"})
    assert one.recipe.translation.loss == "siglip"
    assert one.recipe.translation.share == 0.1
    assert one.evaluation.points == (0, 12)
    assert own.changed({"share": 1}) == own
    assert one.differences(own) == {
        "translation.loss": "siglip",
        "translation.share": 0.1,
        "evaluation.points": (0, 12),
    }
    assert in_words(one.differences(own)) == "loss siglip, share 0.1, points 0 12"


def test_settings_survive_json(study: Study) -> None:
    one = settings_of(study).changed({"unseen": ("banjo",), "points": (0, 5), "n_trees": 7})
    assert Settings.from_dict(json.loads(json.dumps(one.as_dict()))) == one


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": 1}, "no setting 'colour': expected one of encoder_set"),
        ({"loss": "hinge"}, "loss is 'hinge', expected margin"),
        ({"share": "a lot"}, "share is 'a lot', expected a number"),
        ({"share": 0.0}, "share is 0.0, expected above 0"),
        ({"share": 1.5}, "share is 1.5, expected at most 1"),
        ({"mismatched": -0.1}, "mismatched is -0.1, expected at least 0"),
        ({"points": "0,few"}, "points is '0,few', expected numbers"),
        ({"points": (-1,)}, "expected numbers of items, from 0"),
        ({"targets": ("text",)}, "expected audio, image or both"),
        ({"draws": 0}, "draws is 0, expected at least 1"),
        ({"trainings": 99}, "trainings is 99, expected at most 20"),
    ],
)
def test_an_unusable_value_is_one_sentence(
    study: Study, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        settings_of(study).changed(changes)
    assert "\n" not in str(caught.value)


def test_choices_come_from_the_recipe(study: Study) -> None:
    own = settings_of(study)
    assert "siglip" in own.choices("loss")
    assert own.choices("classifier")[0] == "forest"
    assert own.choices("n_dims") == ()
