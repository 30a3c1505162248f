"""Against a few lines of sorting."""

import torch
from acme_marks.top_labels.extractor import among_best


def test_a_label_among_the_best_matches() -> None:
    rng = torch.Generator().manual_seed(0)
    p, y = torch.rand(50, 6, generator=rng), torch.randint(6, (50,), generator=rng)
    for best in (1, 2, 6, 9):
        expected = [
            int(label) in sorted(range(6), key=lambda c: -float(row[c]))[:best]
            for row, label in zip(p, y, strict=True)
        ]
        assert among_best(p, y, best).tolist() == expected
