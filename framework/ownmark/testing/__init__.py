"""The conformance kit: does a method keep its contract?

A pack's whole test file can be:

    from ownmark.testing import parametrize_with_checks, run_check

    @parametrize_with_checks("acme-marks")
    def test_conformance(check, declaration):
        run_check(check, declaration)

`ownmark check acme-marks` prints the same. Methods run with their declaration's `smoke` arguments on handwritten
digits and a small `convnet`, or what `smoke_host` makes of it; a pack takes seconds. Failures that a method's paper
makes unavoidable are announced with reasons in a module `conformance` of the pack:

    EXPECTED_FAILURES = {"content:scheme-other-keys-are-not-claimed": "every key carries the same text"}

    check.py        what a check is; CheckFailed, CheckSkipped
    checks/         the checks, one module a subject
    subject.py      a method under test; embedding.py, reading.py, attacking.py run it
    workbench.py    images, host, null models and a marked network, made once per process
    watching.py     trip wires: files, optimisers, forbidden names
    suite.py        which checks are for which method, and running them
    fakes.py        tiny methods that obey every contract
"""

from ownmark.testing.check import Check, CheckFailed, CheckSkipped
from ownmark.testing.fakes import with_fakes
from ownmark.testing.parametrize import parametrize_with_checks
from ownmark.testing.suite import Row, check_rows, checks_for, methods_called, run_check

__all__ = [
    "Check", "CheckFailed", "CheckSkipped", "Row", "check_rows", "checks_for", "methods_called",
    "parametrize_with_checks", "run_check", "with_fakes",
]  # fmt: skip
