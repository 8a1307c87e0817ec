"""HyperImpute, chained equations with a model search, run by the hyperimpute package."""

import numpy as np

from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer


@IMPUTERS.register("hyperimpute")
class HyperImpute(Imputer):
    """Chained equations that search for a model in each sweep (HyperImpute).

    Jarrett, Cebere, Liu, Curth & van der Schaar (2022), HyperImpute: generalized iterative imputation with
    automatic model selection, ICML, algorithm 1, by the package of its authors, version 0.1.17. Candidates
    are scored by two-fold cross-validation; once two columns of a type agree on a candidate, the others of
    the sweep take it, too (``select_lazy``, as the package does by default).

    Departures from its defaults: it is told which columns are nominal, where it would count distinct values;
    two sweeps for at most 40, since a third made cells hidden again from the observed ones worse; ridge and
    forest as regressors, the package's pool for small tables; for nominal items the forest alone, because its
    logistic regression equalises the classes and may take 10,000 iterations, its xgboost failed on nominal
    items, and its catboost is ten trees at a learning rate of 0.001. Pools are kept in order, so that nothing depends
    on how Python hashes strings. No step looks at the clock.

    Assumes cells missing at random; survey weights are not used. It gives one value per hole and no
    distribution, so its draws are equal rows. It learns from the very table it completes: new rows are
    completed by running it again on the fitted rows with the new ones below.

    Parameters
    ----------
    n_sweeps : passes over the columns.
    classifiers, regressors : the package's names of the candidates.

    Attributes
    ----------
    models_ : column name to the name of the model that filled it last.
    """

    deterministic = True

    def __init__(
        self,
        n_sweeps: int = 2,
        classifiers: tuple[str, ...] = ("random_forest",),
        regressors: tuple[str, ...] = ("random_forest_regressor", "linear_regression"),
    ) -> None:
        self.n_sweeps = n_sweeps
        self.classifiers = classifiers
        self.regressors = regressors

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self._seed = int(rng.integers(2**31))
        self._fitted = self._last = (X, self._run(X))

    def _draw(self, X: Floats, rng: np.random.Generator) -> Floats:
        completed = self._complete(X)
        return np.column_stack([column.snap(completed[:, j]) for j, column in enumerate(self.schema_)])

    def _expected(self, X: Floats) -> Floats:
        fills = self._complete(X).copy()
        fills[:, self.schema_.where(Kind.NOMINAL)] = np.nan
        return fills[np.isnan(X)]

    def _complete(self, X: Floats) -> Floats:
        """Completed table (n, p) as the package gives it, numbers between the codes included."""
        for known, completed in (self._fitted, self._last):
            if np.array_equal(known, X, equal_nan=True):
                return completed
        self._last = (X, self._run(np.concatenate([self._fitted[0], X]))[-len(X) :])
        return self._last[1]

    def _run(self, X: Floats) -> Floats:
        import pandas as pd

        from imputers.generative.isolation import isolated

        nominal = {str(j) for j in self.schema_.where(Kind.NOMINAL)}
        with isolated():
            from hyperimpute.plugins.imputers.plugin_hyperimpute import HyperImputePlugin

            plugin = HyperImputePlugin(
                classifier_seed=list(self.classifiers),
                regression_seed=list(self.regressors),
                n_inner_iter=self.n_sweeps,
                random_state=self._seed,
            )
            plugin.model._is_categorical = lambda _, name: name in nominal
            plugin.model.avail_data_thresh = 0  # below it the package orders the pool by string hashes
            completed = plugin.fit_transform(pd.DataFrame(X)).to_numpy(dtype=float)
        self.models_ = {self.schema_.names[int(j)]: model.name() for j, model in plugin.models().items()}
        return completed
