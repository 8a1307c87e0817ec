"""HyperImpute, chained equations with a model search, run by the hyperimpute package."""

from typing import ClassVar

import numpy as np

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.shared.ranges import COUNT


@IMPUTERS.register("hyperimpute")
class HyperImpute(Imputer):
    """Chained equations that search for a model in each sweep (HyperImpute).

    Jarrett, Cebere, Liu, Curth & van der Schaar (2022), HyperImpute: generalized iterative imputation with
    automatic model selection, ICML, algorithm 1, by the package of its authors, version 0.1.17. Candidates
    are scored by two-fold cross-validation; once two columns of a type agree on a candidate, the others of
    the sweep take it, too (``select_lazy``, as the package does by default).

    Settings are the package's defaults, forty sweeps at most and four regressors among them. Departures: it is given
    which columns are nominal, where it would count distinct values; and two of its four classifiers are left out, the
    logistic regression, which equalises the classes and may take 10,000 iterations, and xgboost, which fails where a
    class is rare. Pools are kept in order, so that nothing depends on how Python hashes strings. No step looks at the
    clock.

    Assumes cells missing at random. It gives one value per hole and no distribution, so its draws are equal rows. It
    learns from the very table it completes: new rows are
    completed by running it again on the fitted rows with the new ones below.

    Parameters
    ----------
    max_iter : passes over the columns.
    classifiers, regressors : the package's names of the candidates.

    Attributes
    ----------
    models_ : column name to the name of the model that filled it last in the fitted table.
    """

    family: ClassVar[str] = "generative"
    defaults: ClassVar[str] = "package's (Jarrett et al. 2022), 2 of 4 classifiers cut"
    deterministic: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "max_iter": COUNT,
        "classifiers": ["array-like"],
        "regressors": ["array-like"],
    }

    def __init__(
        self,
        max_iter: int = 40,
        classifiers: tuple[str, ...] = ("random_forest", "catboost"),
        regressors: tuple[str, ...] = (
            "random_forest_regressor",
            "linear_regression",
            "xgboost_regressor",
            "catboost_regressor",
        ),
    ) -> None:
        self.max_iter = max_iter
        self.classifiers = classifiers
        self.regressors = regressors

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self._check_candidates()
        self._seed = int(rng.integers(2**31))
        self._fitted = X
        self._completed, self.models_ = self._run(X)

    def _check_candidates(self) -> None:
        from imputers.generative.isolation import isolated

        with isolated():
            from hyperimpute.plugins.prediction import Classifiers, Regression

            known = {"classifiers": Classifiers().list(), "regressors": Regression().list()}
        for kind, names in known.items():
            asked = getattr(self, kind)
            if not len(asked) or not set(asked) <= set(names):
                raise InputError(f"hyperimpute: {kind} is {asked}; wanted one or more of {', '.join(sorted(names))}")

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        holes, completed = np.isnan(X), self._complete(X)
        draw = np.column_stack([column.snap(completed[:, j]) for j, column in enumerate(self.schema_)])
        expected = completed.copy()
        expected[:, self.schema_.where(Kind.NOMINAL)] = np.nan
        return Prediction(np.tile(draw[holes], (n_draws, 1)), expected[holes])

    def _complete(self, X: Floats) -> Floats:
        """Completed table (n, p) as the package gives it, numbers between the codes included."""
        if np.array_equal(self._fitted, X, equal_nan=True):
            return self._completed
        return self._run(np.concatenate([self._fitted, X]))[0][-len(X) :]

    def _run(self, X: Floats) -> tuple[Floats, dict[str, str]]:
        """Complete X, and name the model that filled each column last."""
        import pandas as pd

        from imputers.generative.isolation import isolated

        nominal = {str(j) for j in self.schema_.where(Kind.NOMINAL)}
        with isolated():
            from hyperimpute.plugins.imputers.plugin_hyperimpute import HyperImputePlugin

            plugin = HyperImputePlugin(
                classifier_seed=list(self.classifiers),
                regression_seed=list(self.regressors),
                n_inner_iter=self.max_iter,
                random_state=self._seed,
            )
            plugin.model._is_categorical = lambda _, name: name in nominal
            plugin.model.avail_data_thresh = 0  # below it the package orders the pool by string hashes
            completed = plugin.fit_transform(pd.DataFrame(X)).to_numpy(dtype=float)
        return completed, {self.schema_.names[int(j)]: model.name() for j, model in plugin.models().items()}
