"""How long something takes: a lognormal duration, as ring and talk times are."""

import math
import random
from dataclasses import dataclass

from telephony.simulated.mistakes import refuse


@dataclass(frozen=True, slots=True)
class Spread:
    """A duration in seconds: half of the draws lie below `median_s`; `sigma` 0 is a constant."""

    median_s: float
    sigma: float = 0.0
    """The standard deviation of the logarithm."""

    max_s: float = math.inf
    """Longer draws are cut to this."""

    def __post_init__(self) -> None:
        refuse(
            [
                (0 <= self.median_s < math.inf, "median_s", self.median_s, "seconds, 0 or more"),
                (0 <= self.sigma <= 5, "sigma", self.sigma, "0 to 5"),
                (self.max_s >= 0, "max_s", self.max_s, "seconds, 0 or more"),
            ]
        )

    def draw(self, chance: random.Random) -> float:
        """Return one duration in seconds, whole milliseconds. Always uses the generator the same number of times."""
        factor = math.exp(self.sigma * chance.gauss())
        return round(min(self.median_s * factor, self.max_s), 3)
