"""Secrets, and what a test draws without a generator of its own, follow the test's name: so it comes out the same today
and tomorrow, alone and after any others."""

from __future__ import annotations

import random
import secrets
import sys
from typing import Any

import pytest

_drawn = random.Random()
secrets.randbits = _drawn.getrandbits
secrets.token_hex = lambda nbytes=None: _drawn.randbytes(nbytes or 32).hex()


class Seeded:
    """Every fixture and every test draws its own, whatever ran before.

    A plugin of its own: the hooks of a conftest are not asked about fixtures of a whole session.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> None:
        self._seed(f"{fixturedef.baseid} {fixturedef.argname} {getattr(request, 'param_index', 0)}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        self._seed(item.nodeid)

    def _seed(self, name: str) -> None:
        random.seed(name)
        if "torch" in sys.modules:
            sys.modules["torch"].manual_seed(random.getrandbits(62))
        _drawn.seed(name)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Seeded())
