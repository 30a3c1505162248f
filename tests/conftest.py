"""Secrets follow the test's name, so that a test which embeds comes out the same today and tomorrow."""

from __future__ import annotations

import random
import secrets
from typing import Any

import pytest

_drawn = random.Random()
secrets.randbits = _drawn.getrandbits
secrets.token_hex = lambda nbytes=None: _drawn.randbytes(nbytes or 32).hex()


class Seeded:
    """Every fixture and every test draws its own secrets, whatever ran before.

    A plugin of its own: the hooks of a conftest are not asked about fixtures of a whole session.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> None:
        _drawn.seed(f"{fixturedef.baseid} {fixturedef.argname} {getattr(request, 'param_index', 0)}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        _drawn.seed(item.nodeid)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Seeded())
