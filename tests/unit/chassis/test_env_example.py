"""`.env.example` says what the config.py files say."""

from __future__ import annotations

from pathlib import Path

from services.auth.config import AuthConfig
from services.chassis.env_example import TARGET, Setting, render, settings
from services.user.config import UserConfig

CONFIG = '''
class ShopConfig(ServiceConfig):
    """Settings of a shop."""

    model_config = 1
    name: str
    """What stands over
    the door."""
    shelves: int = 3
    """How many."""
    ratio: float = Field(default=0.5, ge=0)
    port: int = Field(ge=0)
'''


def test_the_committed_file_is_current() -> None:
    assert TARGET.read_text() == render()


def test_every_field_of_every_service_is_documented_there() -> None:
    text = TARGET.read_text()

    for name in {*AuthConfig.model_fields, *UserConfig.model_fields}:
        assert f"TRELLIS_{name.upper()}=" in text


def test_a_field_becomes_a_variable_with_its_default_and_its_documentation(tmp_path: Path) -> None:
    config = tmp_path / "config.py"
    config.write_text(CONFIG)

    assert list(settings(config)) == [
        Setting("TRELLIS_NAME", None, "What stands over the door."),
        Setting("TRELLIS_SHELVES", "3", "How many."),
        Setting("TRELLIS_RATIO", "0.5", ""),
        Setting("TRELLIS_PORT", None, ""),
    ]


def test_a_default_is_shown_commented_out_and_a_missing_one_is_not(tmp_path: Path) -> None:
    for service in ("chassis", "shop"):
        (tmp_path / "services" / service).mkdir(parents=True)
        (tmp_path / "services" / service / "config.py").write_text(CONFIG)

    text = render(tmp_path)

    assert "# --- The shop service ---\n\n# What stands over the door.\nTRELLIS_NAME=\n" in text
    assert "# How many.\n# TRELLIS_SHELVES=3\n" in text
