"""The parts of `benchmarks.sfu`: each module here has a `measure(quick) -> figures`."""

from collections.abc import Awaitable, Callable

Measure = Callable[[bool], Awaitable[dict[str, float]]]
"""Takes whether it shall be quick; prints lines for people, and gives its figures by their names."""
