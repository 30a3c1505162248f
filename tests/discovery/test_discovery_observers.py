"""Packs that are told of records."""

from __future__ import annotations

import logging

import pytest

LISTENS = "heard = []\n@hookimpl\ndef ownmark_record(record): heard.append(record)\n"


def test_every_observer_hears_the_record(site):
    site.pack("acme", LISTENS)
    site.pack("beta", LISTENS)
    site.discover().observe({"cell": 1})
    import acme_plugin
    import beta_plugin

    assert acme_plugin.heard == beta_plugin.heard == [{"cell": 1}]


@pytest.mark.parametrize("failure", ["raise KeyError('oops')", "raise SystemExit(1)"], ids=["error", "exit"])
def test_an_observers_error_is_logged_and_changes_nothing(site, caplog, failure):
    site.pack("angry", f"@hookimpl\ndef ownmark_record(record):\n    record['x'].append(2)\n    {failure}\n")
    site.pack("zeta", LISTENS)
    record = {"x": [1]}
    with caplog.at_level(logging.WARNING, "ownmark"):
        site.discover().observe(record)
    import zeta_plugin

    assert record == {"x": [1]}
    assert zeta_plugin.heard == [{"x": [1]}]
    assert "angry 1.0, entry point 'main': ownmark_record failed" in caplog.text


def test_an_observer_with_other_arguments_is_a_problem(site):
    site.pack("acme", "@hookimpl\ndef ownmark_record(record, catalog): pass")
    assert "{'catalog'} are declared in the hookimpl" in site.messages()["acme"][0]


def test_a_disabled_observer_hears_nothing(site):
    site.pack("acme", LISTENS)
    assert site.discover(disabled=["acme"]).observers == ()
