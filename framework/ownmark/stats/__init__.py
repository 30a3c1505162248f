"""Statistics of ownership claims: thresholds, exact tests, intervals, rescaling, removal. Pure; no torch.

Rates and accuracies are fractions in [0, 1]; hits and n are counts of key symbols (bits, triggers).
"""

from ownmark.stats.clusters import Spread, spread
from ownmark.stats.decoys import Decoys, holm, least_decoys, null_p_value, rank_among
from ownmark.stats.exact import (
    binomial_hits,
    binomial_tail,
    fair_coin_tolerance,
    queries_needed,
    rank_p_value,
    rarity_bits,
    two_sample_rates,
)
from ownmark.stats.intervals import Interval, clopper_pearson, mean_interval, wilson
from ownmark.stats.knowing import Knowing
from ownmark.stats.removal import Outcome, RemovalCriterion, is_removed
from ownmark.stats.rescale import raw_accuracy, rescaled_accuracy, rescaled_floor
from ownmark.stats.sequential import Betting, Looks, symbols_to_claim
from ownmark.stats.thresholds import (
    Threshold,
    achieved_rate,
    calibrated_threshold,
    claim_rate,
    exact_threshold,
    laundering_threshold,
)

__all__ = [
    "Betting",
    "Decoys",
    "Interval",
    "Knowing",
    "Looks",
    "Outcome",
    "RemovalCriterion",
    "Spread",
    "Threshold",
    "achieved_rate",
    "binomial_hits",
    "binomial_tail",
    "calibrated_threshold",
    "claim_rate",
    "clopper_pearson",
    "exact_threshold",
    "fair_coin_tolerance",
    "holm",
    "is_removed",
    "laundering_threshold",
    "least_decoys",
    "mean_interval",
    "null_p_value",
    "queries_needed",
    "rank_among",
    "rank_p_value",
    "rarity_bits",
    "raw_accuracy",
    "rescaled_accuracy",
    "rescaled_floor",
    "spread",
    "symbols_to_claim",
    "two_sample_rates",
    "wilson",
]
