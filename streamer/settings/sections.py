"""What every table of the settings shares."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the TOML; a key that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
