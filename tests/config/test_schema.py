"""Does the schema that editors use say the same as the loader?"""

import json
import re

import jsonschema
import pytest
import yaml
from writing import APP, ROOT, SERVICE, replaced

from bot.config import schema

FILES = [ROOT / "app.yaml", *sorted((ROOT / "services").glob("*.yaml"))]


def mistakes(text: str) -> list[str]:
    found = jsonschema.Draft202012Validator(schema()).iter_errors(yaml.safe_load(text))
    return [jsonschema.exceptions.best_match([one]).message for one in found]


def test_the_committed_schema_is_the_generated_one():
    committed = json.loads((ROOT / "docs" / "app.schema.json").read_text(encoding="utf-8"))
    assert committed == schema(), "write it anew: python -m bot check-config --schema > docs/app.schema.json"


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_projects_own_files_agree_with_it(path):
    assert mistakes(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (APP, "evidence: true", "evidenc: true"),
        (APP, "evidence: true", "evidence: often"),
        (APP, "uses: tls", "uses: tls\n      timeout: 15 parsecs"),
        (APP, "include: services/*.yaml", "includes: services/*.yaml"),
        (APP, "script: deploy", "script: deploy, announce: maybe"),
        (SERVICE, "production: {}", "production: {chanel: x}"),
        (SERVICE, "channel: shop", "channel: {env: SHOP, defualt: shop}"),
    ],
)
def test_an_editor_shows_the_mistake(text, old, new):
    assert mistakes(text) == []
    assert mistakes(replaced(text, old, new)) != []


@pytest.mark.parametrize(
    "addition",
    [
        "checks: {tls: {pass: {days_left: '>= 30'}}}",
        "checks: {tls: {warn: ~}}",
        "sections: {before: {items: {plan: {enabled: false, because: None is needed.}}}}",
        "watch: {url: {env: SHOP_URL, then: /healthz}, rate: 50/s}",
        "watch: {url: {env: SHOP_URL, then: [':', {env: SHOP_PORT}]}}",
        "announce_to: [{env: SHOP_CHANNELS, split: ','}]",
    ],
)
def test_what_a_layer_may_say_is_known_to_it(addition):
    assert mistakes(f"{SERVICE}{addition}\n") == []


def test_every_key_is_described_for_people():
    definitions = schema()["$defs"]
    for name, shape in definitions.items():
        for key, one in shape.get("properties", {}).items():
            assert "description" in one, f"{name}.{key}"


def test_every_key_is_in_the_documentation():
    documented = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")))
    keys = {key for shape in schema()["$defs"].values() for key in shape.get("properties", {})}
    assert keys - documented == set()
