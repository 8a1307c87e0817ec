"""The contract of an imputer, kept once: a new method writes ``_fit`` and ``_draw`` and inherits the rest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import check_is_fitted

from datasets.errors import InputError
from datasets.prediction import Prediction, complete, narrow, point
from datasets.schema import Floats, Kind, Schema
from imputers.checks import keep_checks
from imputers.constants import Constants
from imputers.door import Door, Table, Unseen
from imputers.threads import one_thread

FACTS: Mapping[str, type] = {
    "family": str,
    "deterministic": bool,
    "proper": bool,
    "reads_text": bool,
    "uses_weights": bool,
    "defaults": str,
    "told": str,
}


@dataclass(frozen=True)
class Spelled:
    """Objects of a library that are stored in that library's own text.

    Parameters
    ----------
    name : of their class.
    write, read : object to text, and back.
    """

    name: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]


class Imputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Base of every imputer: a scikit-learn estimator over tables of codes.

    A subclass stores its parameters in ``__init__``, declares their ranges in ``_parameter_constraints`` (see
    `sklearn.utils._param_validation`), and writes

    ``_fit(X, rng)``
        learn from codes X (n, p), NaN where a cell is a hole; what is learned goes into attributes;
    ``_draw(X, rng)``
        return X completed once, with valid codes (``self.schema_.undesign`` and ``Column.snap`` help),

    or, where the method knows more than its draws show, in place of ``_draw``

    ``_impute(X, n_draws, rng)``
        return a `Prediction` of the holes: ``n_draws`` draws and, if it has them, expectations and probabilities;
        or ``_answer(X, asked, n_draws, rng)``, the same of the holes that are asked (n, p) alone.

    Where the schema has checks, rows that a draw makes break one are asked for again (`imputers.checks`), unless the
    method is deterministic.

    X may hold rows that ``_fit`` did not see. Inside these methods ``self.schema_`` describes the columns of X,
    ``self.weights_`` are the survey weights of the fitted rows (n,), or None, and ``self.folder_`` is where
    checkpoints and learning curves may be kept, or None. Every column of X was seen in ``_fit`` with two different
    values at least: constant columns are filled here, with their constant, and never reach the method. All randomness
    comes from ``rng``; X is never written to; nothing is kept on ``self`` after ``_fit``. Numerical libraries use one
    thread inside them (`imputers.threads`), so that the seed alone decides what is filled.

    Attributes
    ----------
    family : kind of method that boards group it under.
    deterministic : the method has no distribution to draw from, and its draws are equal rows.
    proper : draws vary as much as the posterior predictive distribution, the model's own uncertainty included
        (Rubin 1987, Multiple Imputation for Nonresponse in Surveys, section 4.2), under the method's assumptions.
    reads_text : the method makes use of text columns and fills them; any other refuses a table that has some.
    uses_weights : the method makes use of survey weights.
    defaults : where the default settings were chosen, in a few plain words for a column of the boards: a paper, a
        library, a table; empty if that is not stated.
    told : a plain sentence on what the method is told about why cells are missing, beyond what all are told; or empty.
    by_row : a row is answered from itself and what was fitted alone, whatever other rows stand beside it, and nothing
        is spent on holes that are not asked, so that a run asks for those rows only in which it has hidden something,
        and in them for no question that the survey did not ask.
    least_rows : rows that its draws need to keep the relations between items at all; `impute` refuses smaller files.
        Below them the method still runs, for whoever wants to see.
    nouns : frozen dataclasses, and `Spelled` objects of a library, that what is learned is made of, beside
        numbers, texts, arrays, lists, tuples, dicts and slices, so that it can be stored; None if there is more to it.
    full_schema_ : schema of the table given to `fit`, but for columns that were set aside.
    schema_ : schema of its columns that vary.
    set_aside_ : columns of a DataFrame that no method can use, by name, and why; `transform` returns them as they are.

    Raises
    ------
    InputError
        When a subclass is defined with a parameter that has the name of an attribute of this class, or an attribute
        that says what the method is has another type.
    """

    family: ClassVar[str] = "added"
    deterministic: ClassVar[bool] = False
    proper: ClassVar[bool] = False
    reads_text: ClassVar[bool] = False
    uses_weights: ClassVar[bool] = False
    defaults: ClassVar[str] = ""
    told: ClassVar[str] = ""
    by_row: ClassVar[bool] = False
    least_rows: ClassVar[int] = 0
    nouns: ClassVar[tuple[object, ...] | None] = None
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {}

    def __init_subclass__(cls, **settings: object) -> None:
        super().__init_subclass__(**settings)
        taken = sorted(set(cls._get_param_names()) & set(dir(Imputer)))
        if taken:
            raise InputError(
                f"imputer {cls.__name__} has a parameter {taken[0]!r}, an attribute of every imputer; rename it"
            )
        for name, kind in FACTS.items():
            if not isinstance(getattr(cls, name), kind):
                raise InputError(f"imputer {cls.__name__} has {name} = {getattr(cls, name)!r}; give a {kind.__name__}")

    @one_thread()
    def fit(
        self,
        X: pd.DataFrame | Floats,
        y: None = None,
        *,
        schema: Schema | None = None,
        weights: Floats | None = None,
        random_state: int = 0,
        folder: Path | None = None,
        unseen: Unseen = "error",
    ) -> Self:
        """Learn from a table with holes.

        Parameters
        ----------
        X : table (n, p); NaN (in a DataFrame also None and NA) is a hole.
        y : ignored, for scikit-learn.
        schema : meaning of the columns; without it they are inferred (`datasets.files.frame.infer_schema`), columns of
            a DataFrame that are no questions are set aside, and a warning names them. A DataFrame may have more
            columns than the schema; these are set aside, too, without a word.
        weights : survey weights (n,).
        random_state : seed; the same seed gives the same prediction.
        folder : where the method may keep checkpoints and learning curves, and resumes from; None keeps nothing.
        unseen : what an answer in new rows is that the column's scale lacks: an "error", or "missing", which a warning
            tells; `transform` leaves such a cell as it is.

        Raises
        ------
        InputError
            If a parameter is out of range, a code is not on its scale, a column has fewer than two observed values,
            fewer than two columns vary, or the method does not read text and there is some.
        """
        self.check_parameters()
        if unseen not in ("error", "missing"):
            raise InputError(f"{type(self).__name__}.fit: unseen={unseen!r} is neither 'error' nor 'missing'")
        self._door = Door.of(X, schema)
        self.full_schema_, self.set_aside_ = self._door.schema, self._door.aside
        self.n_features_in_ = self._door.n_columns
        self._name_features()
        self._check_kinds()
        self.random_state_ = random_state
        self.weights_ = weights
        self.folder_ = folder
        self._unseen = unseen
        codes = self._door.codes(X, "error")  # what is learned from is seen
        self._constants = Constants.of(codes, self.full_schema_)
        varying = self._constants.varying
        if len(varying) < 2:
            raise InputError(
                f"{len(varying)} of {len(self.full_schema_)} columns vary (n_samples = {len(codes)}, "
                f"n_features = {self.n_features_in_}); imputation learns from how they vary, and needs two"
            )
        self.schema_ = self.full_schema_.take(varying)
        self._fit(codes[:, varying], np.random.default_rng((random_state, 0)))
        return self

    @one_thread()
    def impute(
        self,
        X: pd.DataFrame | Floats,
        n_draws: int = 5,
        *,
        random_state: int | None = None,
        asked: NDArray[np.bool_] | None = None,
    ) -> Prediction:
        """Say what the method knows about the holes of a table, fitted on or new.

        Parameters
        ----------
        X : table (n, p) with the columns of `fit`.
        n_draws : number of draws; a deterministic method returns equal rows.
        random_state : seed of the draws; by default that of `fit`.
        asked : the cells that answers are wanted for (n, p), all of them holes; by default every hole. The prediction
            is of these alone.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        InputError
            If columns are absent, an answer is not on its scale and `fit` was told that this is an error, or a cell
            that is asked is none of the holes.
        """
        codes = self._codes(X)
        if asked is not None and (asked.shape != codes.shape or not np.isnan(codes[asked]).all()):
            raise InputError(
                f"{type(self).__name__}.impute: asked has shape {asked.shape}; it must be true in holes alone, and of "
                f"shape {codes.shape}; take np.isnan of the table, or a part of it"
            )
        return self._predict(codes, n_draws, random_state, asked)

    def _predict(
        self, codes: Floats, n_draws: int = 5, seed: int | None = None, asked: NDArray[np.bool_] | None = None
    ) -> Prediction:
        """Say what the method knows about the holes of valid codes (n, p), or about those that are asked."""
        rng = np.random.default_rng((self.random_state_ if seed is None else seed, 1))
        holes = np.isnan(codes)
        if self.deterministic or not self.full_schema_.checks:
            return self._inner(codes, holes if asked is None else asked, n_draws, rng)
        whole = keep_checks(  # which look at rows with all their fills
            lambda X, m: self._inner(X, np.isnan(X), m, rng),
            codes,
            self._inner(codes, holes, n_draws, rng),
            self.full_schema_,
        )
        return whole if asked is None else narrow(whole, codes, asked)

    def _inner(self, codes: Floats, asked: NDArray[np.bool_], n_draws: int, rng: np.random.Generator) -> Prediction:
        """What the method says of the holes that are asked, constants of constant columns among them."""
        varying = self._constants.varying
        inner, found = asked[:, varying], Prediction(np.empty((n_draws, 0)))
        if inner.any():
            all_vary = len(varying) == codes.shape[1]  # then a large table need not be there twice
            found = self._answer(codes if all_vary else codes[:, varying], inner, n_draws, rng)
        return self._constants.widen(asked, found)

    @one_thread()
    def transform(self, X: Table) -> Table:
        """Fill holes with the best single value: mode if nominal, median if ordinal, mean if numeric.

        A deterministic method fills what it draws.

        A DataFrame comes back with index, columns and dtypes kept, and columns that were set aside as they were.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        InputError
            As `impute`, and if the columns are not those of `fit`, in that order.
        """
        codes = self._codes(X)
        self._door.check_columns(X)
        return self._door.completed(X, complete(codes, self.best(self._predict(codes), codes)))

    def best(self, prediction: Prediction, codes: Floats) -> Floats:
        """Best single valid code of each hole (holes,) of a table of codes (n, p), given its prediction.

        It is `datasets.prediction.point`, or the draw of a deterministic method.

        Raises
        ------
        InputError
            If the method fills nothing.
        """
        if self.deterministic and prediction.draws is not None:
            return prediction.draws[0]
        return point(prediction, codes, self.full_schema_)

    def audit(self) -> Mapping[str, float]:
        """What a fitted method finds out about itself on validation cells, by name of the measure; nothing for most."""
        return {}

    def decided(self) -> str:
        """What a fitted method decided for the user, in a sentence that says how to change it; empty for most."""
        return ""

    def prepare(self) -> None:
        """Make what the method keeps in the user's cache folder, once on a machine; nothing for most.

        A process that is sealed cannot write there, so whoever starts one calls this before.

        Raises
        ------
        MethodUnavailableError, InputError
            If it cannot be made.
        """

    @classmethod
    def versions(cls) -> Mapping[str, str]:
        """Versions of the programs outside Python that decide the method's numbers, by name; nothing for most.

        Raises
        ------
        MethodUnavailableError
            If one of them is not on this machine.
        """
        return {}

    def check_parameters(self) -> None:
        """Validate the parameters, as `fit` does.

        Raises
        ------
        InputError
            If one is outside the range that the method declares; the message gives name, value and range.
        """
        try:
            self._validate_params()
        except InvalidParameterError as error:
            raise InputError(str(error)) from None

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        raise TypeError(f"{type(self).__name__} must write _fit(X, rng)")

    def _draw(self, X: Floats, rng: np.random.Generator) -> Floats:
        raise TypeError(f"{type(self).__name__} must write _draw(X, rng)")

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        holes = np.isnan(X)
        if self.deterministic:
            return Prediction(np.tile(self._draw(X, rng)[holes], (n_draws, 1)))
        return Prediction(np.stack([self._draw(X, rng)[holes] for _ in range(n_draws)]))

    def _answer(self, X: Floats, asked: NDArray[np.bool_], n_draws: int, rng: np.random.Generator) -> Prediction:
        return narrow(self._impute(X, n_draws, rng), X, asked)

    def _check_kinds(self) -> None:
        texts = [self.full_schema_.names[j] for j in self.full_schema_.where(Kind.TEXT)]
        if texts and not self.reads_text:
            raise InputError(
                f"{type(self).__name__} does not read text, and columns {texts} are text; make them nominal or leave "
                "them out (kind in the schema), or take a method that reads text, e.g. 'knn' or 'dlm'"
            )

    def _codes(self, X: pd.DataFrame | Floats) -> Floats:
        """Validate at the door: X as codes (n, p)."""
        check_is_fitted(self, "full_schema_")
        return self._door.codes(X, self._unseen)

    def _name_features(self) -> None:
        """Set the names of the columns, as scikit-learn wants them: if all of them are strings."""
        self.__dict__.pop("feature_names_in_", None)
        names = self._door.columns
        if names is not None and all(isinstance(name, str) for name in names):
            self.feature_names_in_ = np.array(names, dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags
