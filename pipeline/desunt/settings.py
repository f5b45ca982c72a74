"""Settings: frozen, read once (flags > environment > TOML > defaults), and stored in every output."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from desunt.errors import UsageError

# Settings that change what is found on a page; the others only change how the work is done.
RESULT_SETTINGS = ("model", "rescore", "engine", "lang", "second", "vouch", "read", "lexicon", "max_pixels", "pdf_dpi", "candidates")


class Settings(BaseSettings):
    """All settings of a run. Environment variables carry the prefix `DESUNT_`; the file is `desunt.toml`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="DESUNT_", toml_file="desunt.toml", validate_default=True)

    out: Path = Field(default=Path("outputs"), description="folder for the results")
    jobs: int = Field(default=0, ge=0, description="worker processes; 0 is one a core")
    executor: str = Field(default="process", description="how pages are worked on: serial, process, dask, or a plug-in's")
    scheduler: str = Field(
        default="", description="address of the Dask cluster to join; without one, `dask` starts its own on this machine"
    )
    ship: Literal["path", "bytes"] = Field(default="path", description="what a cluster's workers get: the scan's path, or its bytes")
    model: str = Field(default="embedded", description="`embedded`, or a Hugging Face masked language model by name or folder")
    rescore: bool = Field(default=True, description="re-score a masked model's proposals by the two-sided causal reading")
    models: Path | None = Field(default=None, description="folder with the embedded model's weights")
    engine: str = Field(default="tesseract", description="tesseract, rapid, a plug-in's, or the kind of file beside the scan: page, alto")
    second: Literal["none", "rapid"] = Field(
        default="rapid", description="engine that reads doubtful words again, and what was passed over"
    )
    lang: str = Field(default="eng", min_length=3, description="language data of the engine")
    vouch: float = Field(default=0.9, ge=0, le=1, description="words less legible than this are marked unclear")
    read: float | None = Field(
        default=None, ge=0, le=1, description="words less legible than this become gaps; the fitted threshold if not given"
    )
    lexicon: Path | None = Field(default=None, description="file with names and words of the collection, one a line")
    candidates: int = Field(default=20, ge=1, le=100, description="candidates kept a gap")
    max_pixels: int = Field(default=200_000_000, ge=1, description="a page with more pixels is refused")
    pdf_dpi: int = Field(default=300, ge=72, le=1200, description="resolution at which PDF pages without one embedded image are drawn")
    page_seconds: float = Field(default=180.0, gt=0, description="time limit of one engine call")
    page_memory: int = Field(default=6144, ge=0, description="MiB that a worker may use, and its engine as much again; 0 is no limit")
    max_failures: int | None = Field(default=None, ge=1, description="stop the run after so many failed pages")
    formats: tuple[str, ...] = Field(default=("text", "apparatus", "html", "json"), description="exports to write")
    base_uri: str = Field(default="http://localhost:8000", pattern="^https?://", description="where IIIF manifests will be served")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource, file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def provenance(self) -> tuple[tuple[str, str], ...]:
        """Return the settings that change results, as (name, value) pairs."""
        return tuple((name, str(getattr(self, name))) for name in RESULT_SETTINGS)


def read_settings(**flags: Any) -> Settings:
    """Read the settings once; flags that are None were not given.

    Raises UsageError naming the setting and what it may be.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise UsageError(f"setting {name}: {first['msg']}", remedy="docs/use.md lists every setting") from None
