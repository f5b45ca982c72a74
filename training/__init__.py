"""Scripts that fit and measure the models in models/: run as modules from the root, not part of the wheel."""

from pathlib import Path

MODELS = Path(__file__).resolve().parents[1] / "models"
