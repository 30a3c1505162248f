"""Each way a plugin can be wrong: what is said, and that nobody else is harmed."""

from __future__ import annotations

import pytest

from ownmark.methods import Kind

GOOD = "Declaration(id='noise', kind=Kind.ATTACK, target='nowhere:A', summary='s')"

BAD = {
    "import error": ("import nowhere_at_all", "cannot import 'bad_plugin' (ModuleNotFoundError", 0),
    "missing package": ("import nowhere_at_all", "pip install nowhere_at_all", 0),
    "error on import": (
        "1 / 0",
        "ZeroDivisionError: division by zero). Reinstall or mend the pack, or skip it",
        0,
    ),
    "exit on import": ("raise SystemExit(3)", "SystemExit: 3", 0),
    "misspelt hook": (
        f"@hookimpl\ndef ownmark_atacks(): return [{GOOD}]",
        "'ownmark_atacks' is no hook; did you mean 'ownmark_attacks'?",
        0,
    ),
    "foreign hook": ("@hookimpl\ndef quite_different(): return []", "The hooks are ownmark_schemes, ", 0),
    "no decorator": (
        f"def ownmark_attacks(): return [{GOOD}]",
        "'ownmark_attacks' is not marked as a hook. Put @hookimpl",
        0,
    ),
    "no hook": ("x = 1", "implements no hook. Mark its functions with @hookimpl", 0),
    "wrong signature": (
        "@hookimpl\ndef ownmark_attacks(catalog): return []",
        "{'catalog'} are declared in the hookimpl but can not be found in the hookspec. Give the function",
        0,
    ),
    "hook raises": (
        "@hookimpl\ndef ownmark_attacks(): raise KeyError('oops')",
        "ownmark_attacks failed (KeyError: 'oops')",
        0,
    ),
    "generator raises": (
        f"@hookimpl\ndef ownmark_attacks():\n    yield {GOOD}\n    raise KeyError('late')",
        "ownmark_attacks failed (KeyError: 'late')",
        0,
    ),
    "returns nothing": (
        "@hookimpl\ndef ownmark_attacks(): pass",
        "it returned None; return a list of declarations",
        0,
    ),
    "returns a bare declaration": (f"@hookimpl\ndef ownmark_attacks(): return {GOOD}", "not iterable", 0),
    "returns a dictionary": (
        "@hookimpl\ndef ownmark_attacks(): return {'noise': 1}",
        "ownmark_attacks returned 'noise', not a Declaration. Return a list of",
        0,
    ),
    "wrong kind": (
        f"@hookimpl\ndef ownmark_schemes(): return [{GOOD}]",
        "ownmark_schemes returned the attack 'noise'. Return it from ownmark_attacks",
        0,
    ),
    "malformed id": (
        f"@hookimpl\ndef ownmark_attacks(): return [{GOOD.replace('noise', 'No Ise')}]",
        "attack 'No Ise', a malformed id. Write lower-case letters",
        0,
    ),
    "target without colon": (
        f"@hookimpl\ndef ownmark_attacks(): return [{GOOD.replace('nowhere:A', 'nowhere.A')}]",
        "whose target 'nowhere.A' is not of the form 'package.module:Class'",
        0,
    ),
    "config without colon": (
        f"@hookimpl\ndef ownmark_attacks(): return [{GOOD[:-1]}, config='nowhere')]",
        "whose config 'nowhere' is not of the form",
        0,
    ),
    "empty summary": (
        f"@hookimpl\ndef ownmark_attacks(): return [{GOOD.replace(chr(39) + 's' + chr(39), repr('  '))}]",
        "attack 'noise', without a summary",
        0,
    ),
    "scheme without extractor": (
        f"@hookimpl\ndef ownmark_schemes(): return [{GOOD.replace('ATTACK', 'SCHEME')}]",
        "scheme 'noise', without an extractor. Name the one that reads its mark",
        0,
    ),
    "the same id twice": (
        f"@hookimpl\ndef ownmark_attacks(): return [{GOOD}, {GOOD}]",
        "attack 'noise', which bad has already. Rename one",
        1,
    ),
    "sound beside malformed": (
        f"@hookimpl\ndef ownmark_attacks(): return [None, {GOOD}]",
        "ownmark_attacks returned None, not a Declaration",
        1,
    ),
}


@pytest.mark.parametrize(("source", "said", "kept"), BAD.values(), ids=BAD)
def test_a_problem_is_pinned_on_its_pack(site, source, said, kept):
    site.pack("bad", source, version="0.3")
    catalog = site.discover()
    (problem,) = catalog.problems
    assert said in problem.message
    assert (problem.distribution, problem.version, problem.entry_point) == ("bad", "0.3", "main")
    assert problem.lost
    assert str(problem).startswith("bad 0.3, entry point 'main': ")
    assert len(catalog.methods) == kept
    assert catalog.packs[0].problems == (problem,)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            "gone_plugin",
            "cannot import 'gone_plugin' (ModuleNotFoundError: No module named 'gone_plugin'). Let the entry",
        ),
        ("not a module!", "cannot import 'not a module!' (ValueError"),
        (
            "site_like:NOTHING",
            "(TypeError: the entry point names None). Name a module with hook implementations",
        ),
        ("site_like:LIST", "cannot be registered (TypeError: unhashable type: 'list')"),
        ("site_like:ABSENT", "cannot import 'site_like:ABSENT' (AttributeError"),
    ],
    ids=["module gone", "malformed value", "None", "unhashable", "attribute gone"],
)
def test_an_entry_point_that_names_no_plugin(site, value, said):
    site.module("site_like", "NOTHING = None\nLIST = []\n")
    site.distribution("bad", main=value)
    assert said in "".join(site.messages()["bad"])


def test_a_good_plugin_keeps_working_beside_the_bad_ones(site):
    site.attacks("good", "prune")
    sources = [source for source, _, kept in BAD.values() if not kept]
    for number, source in enumerate(sources):
        site.pack(f"bad{number}", source)
    catalog = site.discover()
    assert [m.name for m in catalog.methods] == ["good/prune"]
    assert {p.distribution for p in catalog.problems} == {f"bad{n}" for n in range(len(sources))}


def test_a_misspelt_hook_leaves_the_others_of_its_module(site):
    site.pack(
        "bad",
        f"@hookimpl\ndef ownmark_atacks(): return []\n@hookimpl\ndef ownmark_attacks(): return [{GOOD}]",
    )
    catalog = site.discover()
    assert [m.id for m in catalog.methods] == ["noise"]
    assert "'ownmark_atacks' is no hook" in catalog.problems[0].message


def test_two_entry_points_on_one_module_count_once(site):
    site.attacks("acme", "prune")
    site.distribution("copycat", main="acme_plugin")
    catalog = site.discover()
    assert [m.distribution for m in catalog.methods] == ["acme"]
    assert site.messages() == {
        "copycat": ["names the same module as the entry point 'acme:main'. Remove one of the two"]
    }


def test_a_class_instance_can_be_a_plugin(site):
    site.pack(
        "acme", f"class P:\n    @hookimpl\n    def ownmark_attacks(self): return [{GOOD}]\nplugin = P()"
    )
    site.distribution("other", version="2", main="acme_plugin:plugin")
    assert [m.distribution for m in site.discover().methods] == ["other"]


def test_a_missing_optional_import_is_told_and_the_method_stays(site):
    requires = "requires={'nowhere_at_all.deep': 'fid', 'json': 'std'}"
    site.pack("ownmark-acme", f"@hookimpl\ndef ownmark_attacks(): return [{GOOD[:-1]}, {requires})]")
    catalog = site.discover()
    (problem,) = catalog.problems
    assert problem.message == (
        "attack acme/noise needs the package 'nowhere_at_all.deep': pip install 'ownmark-acme[fid]'"
    )
    assert not problem.lost
    assert catalog.validate(Kind.ATTACK, "noise").problems == [problem.message]
