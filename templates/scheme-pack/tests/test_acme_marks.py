"""The pack is found, and its methods keep their contracts."""

from ownmark.methods import Declaration
from ownmark.testing import Check, methods_called, parametrize_with_checks, run_check


def test_the_pack_is_found() -> None:
    assert {method.id for method in methods_called("acme-marks")} == {"group_mean", "weight_noise"}


@parametrize_with_checks("acme-marks")
def test_conformance(check: Check, declaration: Declaration) -> None:
    run_check(check, declaration)
