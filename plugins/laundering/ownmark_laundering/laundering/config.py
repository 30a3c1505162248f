"""Parameters of laundering."""

from __future__ import annotations

from typing import Annotated, Literal

from ownmark.config import Count, Fraction, Real, Whole, configuration
from ownmark.contracts import Recipe, overriding
from ownmark_laundering.config import ReconstructionConfig

RETRAIN = Recipe(
    epochs=15, batch_size=32, lr=0.02, schedule="steps", milestones=(2 / 3,), factor=0.1, augment="none"
)
"""The APP paper's: 15 epochs, rate .02 divided by ten at epoch 10; the batch is ours, for few images."""


@configuration
class LaunderingConfig(ReconstructionConfig):
    """Reconstruction, what is reset, and retraining."""

    rounds: Whole = 1
    """Rounds of reconstructing, resetting and retraining (Table 2: one; more than three are advised against). They
    stop early if the class that was the likeliest in the first round has become the least likely."""
    per_class: Count | None = None
    """Images of each class that are used; None uses all that are granted (section 6: down to one)."""
    triggers: Count | Literal["all"] = 1
    """Classes, the likeliest first, whose triggers are stamped on the images; `all` stamps those of every class (the
    paper's "all available examples, including those collected during reconstruction")."""
    layers: Literal["auto", "all", "second-half"] = "auto"
    """Where units may be reset: everywhere, or in the second half of the layers; `auto` spares the first half of
    networks of 18 layers or more (section 5)."""
    unit: Literal["pre_bn", "post_relu"] = "post_relu"
    """What an activation is: the layer's output, or what comes out of its norm and activation."""
    dense: Real | None = None
    """DT, threshold of AW - AN of neurons, in units of the activation (WRT: .2); None goes by `quantile`."""
    conv: Real | None = None
    """CT, threshold of AW - AN of channels (WRT: .5); None goes by `quantile`."""
    quantile: Fraction = 0.95
    """Where no threshold is given, units above this quantile of their layer's AW - AN are reset; 1 resets none. Of .8,
    .9, .95, .98 and 1 the one whose suspects answer a trigger of the thief's own least often (see the card)."""
    fill: Literal["zero", "median"] = "zero"
    """What the weights of a reset unit become: zero, or the layer's median weight, which the paper proposes for
    activations that are not 0 at 0 (softplus)."""
    hold: bool = True
    """Keep reset units dead while retraining ("preventing the watermarked neurons from reappearing"); else they start
    from zero weights and may come back."""
    reset_statistics: Literal["auto", "always", "never"] = "auto"
    """Whether BatchNorm measures its statistics anew; `auto`: in networks of 18 layers or more (section 5)."""
    mask_repeats: Whole | None = None
    """Copies of each reconstructed trigger among the training images, as images of the least likely class; None takes
    as many as make them together one class's share; 0 leaves them out."""
    recipe: Annotated[Recipe, overriding(RETRAIN)] = RETRAIN
    """Retraining of one round."""
