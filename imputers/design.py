"""How the rows of a table were sampled, as far as the `fit` of an imputer asks for it."""

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets.schema import Floats
    from imputers.base import Imputer


def sampled(imputer: "Imputer", strata: "Floats | None", psu: "Floats | None") -> dict[str, Any]:
    """Those of strata and primary sampling units (n,) that are parameters of an imputer's `fit`; of most neither is."""
    asked = inspect.signature(imputer.fit).parameters
    return {name: given for name, given in (("strata", strata), ("psu", psu)) if name in asked}
