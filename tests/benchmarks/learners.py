"""An imputer that keeps what it learns, and examines itself; loaded by the tests of the worker."""

import numpy as np

from imputers import IMPUTERS
from imputers.base import Imputer


@IMPUTERS.register("learns")
class Learns(Imputer):
    """Stops half-way the first time, and goes on from its checkpoint the second."""

    def _fit(self, X, rng):
        checkpoint = self.folder_ / "step.txt"
        self.resumed_ = checkpoint.exists()
        self.folder_.mkdir(parents=True, exist_ok=True)
        checkpoint.write_text("1", encoding="utf-8")
        if not self.resumed_:
            raise InterruptedError("stopped after the first step")
        self.means_ = np.nanmedian(X, axis=0)

    def _draw(self, X, rng):
        return np.where(np.isnan(X), self.means_, X)

    def audit(self):
        return {"audit-mass": float(self.resumed_)}
