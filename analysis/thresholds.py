"""What the paper's words for amounts mean here, all in one place. Section numbers are the paper's."""

from dataclasses import dataclass

LITTLE = 0.05
"""Section 4: share of a score that "very little difference" and "very little change" may be."""
MARGINALLY = 0.05
"""Section 4: share of a score by which a rival may be better or worse "marginally"."""
MUCH = 1.5
"""Sections 4 and 5: factor from which on something is "much stronger" or "much lower"."""
MASSIVELY = 2.0
"""Section 4: factor from which on an improvement is "massive"."""
SIGNIFICANTLY = 1.2
"""Section 4: factor by which the sensitivity to the latent size must fall to "decrease significantly"."""
MUCH_WIDER = 2.0
"""Section 5: standard deviation from which on a range is "much wider" than N(0, I)'s: a third of the latents then lies
where N(0, I) has a twentieth."""
ABOUT = 2.0
"""Section 5: factor that a number of parameters printed to one digit may be off."""
APPROACHING = 10.0
"""Section 5: factor by which a number of parameters that is "approaching" the bound may be short of it: the paper's next words
say that networks "an order or magnitude larger" would clear it."""
PRACTICALLY_GAUSSIAN = 0.01
"""Section 5: negentropy of the least Gaussian direction, in nats, up to which latents count as Gaussian: that of an excess
kurtosis of about 0.7 or a skewness of about 0.35. t(100) has 0.0001, ten clusters 4.6 of their standard deviations apart 0.1."""
UNSTABLE = 0.05
"""Section 4: share of trainings that may fail where training is "simple and robust"; more is "unstable"."""
ACCEPTED_GAP = 3.0
"""The objective of VAEs is read as the paper's if N(0, I) and MVG differ by at most so much in FID, as in every VAE row of Tables
2 and 3."""
ACCEPTED_SHARE = 0.063
"""The same under other distances, as a share of MVG: the largest of those rows."""
SIMILARLY = 0.1
"""Section 6: share of a printed score by which a rival may be better or worse for a DAE to perform "similarly"."""
REPRODUCED = 0.05
"""Share of a printed score by which ours may differ and still reproduce it."""
LARGE = 256
"""Section 4: latent units from which on their number is "large": four times CelebA's comparison point."""
AWAY = 0.25
"""Section 5: distance of a mean from 0, or of a standard deviation from 1, that is no accident of training."""
VARY = 1.2
"""Section 5: ratio of the standard deviations of two dimensions from which on they "vary"."""
NOMINAL_SPREAD = 0.015
"""Standard deviation over training seeds that is assumed of a printed score, as a share of it: about 1 at an FID of 70. The
paper trained one seed, and no run of ours at its scale has several yet; verdicts on printed numbers hold under this."""
SMALL_GRID = 5
"""With fewer latent sizes than this, the last one is easily the lowest: that is no evidence for or against a minimum."""
FAR_OUT = 512
"""A score that still falls at this latent size, the end of what the paper trained freely, has no minimum in its sense."""


@dataclass(frozen=True)
class Thresholds:
    """The words that decide verdicts; `Results` carries them, so a verdict can be judged again under others."""

    little: float = LITTLE
    marginally: float = MARGINALLY
    much: float = MUCH
    massively: float = MASSIVELY
    significantly: float = SIGNIFICANTLY
    much_wider: float = MUCH_WIDER
    about: float = ABOUT
    approaching: float = APPROACHING
    practically_gaussian: float = PRACTICALLY_GAUSSIAN
    unstable: float = UNSTABLE
    similarly: float = SIMILARLY
    reproduced: float = REPRODUCED
    large: float = LARGE
    away: float = AWAY
    vary: float = VARY


SWEPT: dict[str, tuple[float, float]] = {
    "little": (0.02, 0.1),
    "marginally": (0.02, 0.1),
    "much": (1.2, 2.0),
    "massively": (1.5, 3.0),
    "significantly": (1.1, 1.5),
    "much_wider": (1.5, 3.0),
    "about": (1.5, 3.0),
    "approaching": (3.0, 30.0),
    "practically_gaussian": (0.003, 0.03),
    "unstable": (0.02, 0.1),
    "similarly": (0.05, 0.2),
    "reproduced": (0.02, 0.1),
    "large": (128, 512),
    "away": (0.1, 0.5),
    "vary": (1.1, 1.5),
}
"""Field of `Thresholds` -> a smaller and a larger value, under which each verdict that depends on it is judged again."""

SHARES = frozenset({"little", "marginally", "unstable", "similarly", "reproduced"})
"""Fields of `Thresholds` that are shares, and so shown in percent."""
