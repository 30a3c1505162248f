"""Against the definition, bin by bin."""

import torch
from acme_marks.calibration_error.metric import CalibrationError


def test_error_by_its_definition() -> None:
    rng = torch.Generator().manual_seed(0)
    logits, labels = 3 * torch.randn(300, 5, generator=rng), torch.randint(5, (300,), generator=rng)
    p = logits.double().softmax(1)
    expected = 0.0
    for low in range(10):
        inside = [i for i in range(300) if low / 10 <= float(p[i].max()) < (low + 1) / 10]
        if inside:
            accuracy = sum(int(p[i].argmax()) == int(labels[i]) for i in inside) / len(inside)
            confidence = sum(float(p[i].max()) for i in inside) / len(inside)
            expected += len(inside) / 300 * abs(accuracy - confidence)
    metric = CalibrationError()
    metric.update(logits, labels)
    assert abs(float(metric.compute()) - expected) < 1e-5
