"""JSON that is laid out here is what the standard library would lay out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownmark.strictjson import finite, written

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=30,
)


@given(values, st.integers(0, 4))
def test_the_same_text(value: Any, indent: int) -> None:
    expected = json.dumps(finite(value), indent=indent, sort_keys=True, allow_nan=False)
    assert written(value, indent) == expected


@pytest.mark.parametrize("value", [np.float64(0.1), {1: 2, "a": np.float64("nan")}, [True, 0, 1e300, -0.0]])
def test_numbers_of_other_libraries(value: Any) -> None:
    assert written(value) == json.dumps(finite(value), indent=1, sort_keys=True)


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, b"bytes"])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        written(value)
