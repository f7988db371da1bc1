"""What all tests share: where the repository is, and that no machine is too slow for them."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# In continuous integration Hypothesis does so itself, and tries the same examples each time.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if not os.environ.get("CI"):
    settings.load_profile("any machine")

# Who is told to end leaves as with Ctrl-C: what fixtures started in sessions of its own ends too.
if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
    signal.signal(signal.SIGTERM, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT
