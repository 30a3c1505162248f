"""Which attacks break which schemes, as Table I of the invariance paper has it; imports no torch."""

from __future__ import annotations

from ownmark.methods import Reported

TABLE_I = "Table I of the invariant-neuron-transform paper"


def table_one(overwriting: bool = False, ambiguity: bool = False) -> tuple[Reported, ...]:
    """A scheme's row: 1 where an attack succeeds.

    Pruning, fine-tuning and overwriting succeed if they remove the mark, forging a key if the forger may claim.
    """
    removed = {"prune": False, "finetune": False, "overwrite": overwriting, "unified": True}
    figures = [Reported(float(is_), "removed", TABLE_I, attack=attack) for attack, is_ in removed.items()]
    return (*figures, Reported(float(ambiguity), "forged_claim", TABLE_I, attack="ambiguity"))
