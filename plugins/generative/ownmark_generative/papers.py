"""Papers that this pack follows."""

from __future__ import annotations

from collections.abc import Mapping

from ownmark.methods import Paper, Reported

_TABLE2 = "invariance paper, Table II"
DCGAN = Paper(
    title="Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks",
    authors="Radford, Metz, Chintala", year=2016, venue="ICLR",
)  # fmt: skip
IPR_GAN = Paper(
    title="Protecting Intellectual Property of Generative Adversarial Networks from Ambiguity Attacks",
    authors="Ong, Chan, Ng, Fan, Yang", year=2021, venue="CVPR",
)  # fmt: skip
IPR_IC = Paper(
    title="Protect, Show, Attend and Tell: Empowering Image Captioning Models with Ownership Protection",
    authors="Lim, Chan, Ng, Fan, Yang", year=2022, venue="Pattern Recognition",
)  # fmt: skip
SHOW_ATTEND_TELL = Paper(
    title="Show, Attend and Tell: Neural Image Caption Generation with Visual Attention",
    authors="Xu et al.", year=2015, venue="ICML",
)  # fmt: skip
FLICKR8K = Paper(
    title="Framing Image Description as a Ranking Task: Data, Models and Evaluation Metrics",
    authors="Hodosh, Young, Hockenmaier", year=2013, venue="JAIR",
)  # fmt: skip
FID = Paper(
    title="GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium",
    authors="Heusel et al.", year=2017, venue="NeurIPS",
)  # fmt: skip
BLEU = Paper(
    title="BLEU: a Method for Automatic Evaluation of Machine Translation", authors="Papineni et al.", year=2002,
    venue="ACL",
)  # fmt: skip
SSIM = Paper(
    title="Image Quality Assessment: From Error Visibility to Structural Similarity", authors="Wang et al.", year=2004,
    venue="IEEE TIP",
)  # fmt: skip


def table2(
    dataset: str, host: str, scheme: str, utility: tuple[str, float], wrong: Mapping[str, float]
) -> list[Reported]:
    """A row of the invariance paper's Table II.

    Args:
        utility: metric and value of the marked network.
        wrong: attack -> share of wrong bits; unattacked there are none.
    """
    metric, value = utility
    rates = {"": 1.0} | {attack: 1 - share for attack, share in wrong.items()}
    return [
        Reported(value, metric, _TABLE2, dataset, host, scheme),
        *(
            Reported(rate, "evidence", _TABLE2, dataset, host, scheme, attack)
            for attack, rate in rates.items()
        ),
    ]
