"""Convergence of an imputation: R-hat by item, a warning where chains disagree, and what is drawn of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from datasets.schema import Floats, Schema
from imputers.traces import Visits, by_chain
from metrics.convergence import WARN, by_chance, r_hat

NAMED = 5
STUCK = 1e6  # records hold numbers


@dataclass(frozen=True, eq=False)
class Convergence:
    """Chains of the items, by name.

    Parameters
    ----------
    traces : means and SDs of the fills, shape (2, chains, iterations).
    r_hats : of the means and of the SDs; NaN if there is one chain or one iteration.
    """

    traces: Mapping[str, Floats]
    r_hats: Mapping[str, tuple[float, float]]

    @classmethod
    def of(cls, visits: Visits, schema: Schema, n_chains: int) -> "Convergence":
        """What was collected while a method drew; empty for a method without chains."""
        traces = {schema.names[j]: by_chain(own, n_chains) for j, own in visits.items() if len(own) % n_chains == 0}
        return cls(traces, {name: (r_hat(own[0]), r_hat(own[1])) for name, own in traces.items()})

    @property
    def limit(self) -> float:
        """R-hat that chance hardly exceeds in any item, and `WARN` at least; NaN with one chain or one iteration."""
        _, chains, iterations = next(iter(self.traces.values())).shape if self.traces else (2, 1, 1)
        if min(chains, iterations) < 2:
            return float("nan")
        return max(WARN, by_chance(chains, iterations, 2 * len(self.traces)))

    def measures(self) -> dict[str, float]:
        """What the records of a cell hold of it, by the names of `reports.measures`; nothing where there is no R-hat.

        An infinite R-hat, of chains that are stuck apart, comes as the largest number that is told.
        """
        worst = [max(own) for own in self.r_hats.values()]
        if not np.isfinite(self.limit):
            return {}
        beyond = float(np.mean([found > self.limit for found in worst]))
        return {"r-hat": min(max(worst), STUCK), "r-hat-limit": self.limit, "r-hat-beyond": beyond}

    def as_json(self) -> dict[str, dict[str, float | None]]:
        """R-hat by item, None where there is none."""
        return {name: {"mean": _shown(own[0]), "sd": _shown(own[1])} for name, own in self.r_hats.items()}

    def warning(self) -> str:
        """A sentence if chains of some items disagree, worst first; else empty."""
        limit = self.limit
        worst = {name: max(own) for name, own in self.r_hats.items() if max(own) > limit}
        if not worst:
            return ""
        order = sorted(worst, key=lambda name: -worst[name])
        named = ", ".join(f"{name} ({worst[name]:.2f})" for name in order[:NAMED])
        more = f" and {len(order) - NAMED} more" if len(order) > NAMED else ""
        return (
            f"chains disagree on {named}{more}: R-hat of their means or SDs is above {limit:.2f}, which is more than "
            "chance; give the method a larger max_iter, or leave out items that all but repeat another, and look at "
            "traces.png"
        )


def _shown(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None
