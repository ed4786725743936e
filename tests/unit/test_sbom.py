"""The bill of materials names everything that is shipped."""

from __future__ import annotations

import re

from tools.sbom import ROOT, SHIPPED, bill_of_materials, licence, pins, shipped

RUNTIME = [pin.name for pin in pins((ROOT / SHIPPED[0]).read_text("utf-8"))]


def test_every_pinned_package_is_a_component_with_its_hashes() -> None:
    components = {each["purl"]: each for each in bill_of_materials()["components"]}
    for path in SHIPPED:
        text = (ROOT / path).read_text("utf-8")
        pinned = re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, flags=re.M)
        assert pinned, path
        for name, version in pinned:
            component = components[f"pkg:pypi/{name}@{version}"]
            assert component["properties"], name
    assert len(components) == len(shipped())


def test_every_package_of_the_runtime_states_its_licence() -> None:
    assert [name for name in RUNTIME if licence(name) is None] == []


def test_no_package_of_the_runtime_has_a_licence_that_binds_its_users() -> None:
    binding = re.compile(r"\b(A?GPL|SSPL|BUSL|non.?commercial)", re.IGNORECASE)
    assert {name: text for name in RUNTIME if binding.search(text := licence(name) or "")} == {}
