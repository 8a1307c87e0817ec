"""The imputers: one method per file, each a scikit-learn estimator that learns from codes and fills holes."""

from typing import TYPE_CHECKING

from datasets.errors import InputError
from datasets.registry import Registry

if TYPE_CHECKING:
    from imputers.base import Imputer

IMPUTERS: Registry[type["Imputer"]] = Registry("imputer", package="imputers", variable="IMPUTERS", repeats=True)


def make_imputer(request: str) -> "Imputer":
    """Make the imputer that a request asks for, e.g. ``"mice"`` or ``"knn(n_neighbors=5, weights='uniform')"``.

    ``"mice#2"`` is the same method; whoever runs it gives it another seed.

    Raises
    ------
    InputError
        If there is no such imputer, it is none, it has no such parameter, or a value is out of its range.
    """
    from imputers.base import Imputer

    imputer = IMPUTERS.resolve(request)()
    if not isinstance(imputer, Imputer):
        raise InputError(f"{request} is a {type(imputer).__name__}, no imputer; derive it from imputers.base.Imputer")
    try:
        imputer.check_parameters()
    except InputError as error:
        raise InputError(f"{request}: {error}") from None
    return imputer
