"""How examples are generated: without a deadline, because the machine may be busy, and without a file of old ones."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "nativeload",
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("nativeload")
