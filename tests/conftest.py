"""What all tests share: where the repository is, and that no machine is too slow for them."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# In continuous integration Hypothesis does so itself, and tries the same examples each time.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if not os.environ.get("CI"):
    settings.load_profile("any machine")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT
