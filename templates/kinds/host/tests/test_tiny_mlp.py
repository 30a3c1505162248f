"""Against the formula, by hand."""

import torch
from acme_marks.tiny_mlp.config import TinyMlpConfig
from acme_marks.tiny_mlp.host import TinyMlp


def test_answers_follow_the_formula() -> None:
    network = TinyMlp(TinyMlpConfig(hidden=5)).build((2, 3, 4), 7)
    x = torch.rand(6, 2, 3, 4)
    first, second = network[1], network[3]
    by_hand = (x.reshape(6, 24) @ first.weight.T + first.bias).clamp(min=0) @ second.weight.T + second.bias
    assert torch.allclose(network(x), by_hand, atol=1e-6)
    assert by_hand.shape == (6, 7)
