"""The imputers: one method per file, each a scikit-learn estimator that learns from codes and fills holes."""

from typing import TYPE_CHECKING

from datasets.registry import Registry

if TYPE_CHECKING:
    from imputers.base import Imputer

IMPUTERS: Registry[type["Imputer"]] = Registry("imputer", package="imputers", variable="IMPUTERS")
