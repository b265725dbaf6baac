"""docs/cli.md says what the commands say."""

from __future__ import annotations

import pytest

from cli import reference
from tests.unit.cli.test_output import COMMANDS


def test_the_page_is_current() -> None:
    assert reference.TARGET.read_text() == reference.render()


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_is_there_with_its_options(words: str) -> None:
    _, _, section = reference.render().partition(f"### trellis {words}")
    section = section.partition("###")[0]

    assert section
    assert all(f"`{option}`" in section for each in COMMANDS[words].params for option in each.opts if option.startswith("-"))
