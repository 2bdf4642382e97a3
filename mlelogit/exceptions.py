"""One base error, one base warning, and the named cases under them.

Every error is a ``ValueError`` and every warning a ``UserWarning``; catching
`MNLogitError` or `MNLogitWarning` catches all of them.
"""

__all__ = [
    "BaseCategoryError",
    "BiasReductionError",
    "BootstrapError",
    "BootstrapWarning",
    "BridgeError",
    "CategoryOrderWarning",
    "ChangedRowsError",
    "ChangedRowsWarning",
    "CheckpointError",
    "ClusterError",
    "CollinearityWarning",
    "ColumnNotFoundError",
    "ColumnTypeError",
    "CompressionError",
    "ConstraintError",
    "CorruptFileError",
    "CovarianceError",
    "CovarianceOmittedWarning",
    "DamagedFitError",
    "DataFileError",
    "DataFileWarning",
    "DataNotKeptError",
    "DuplicateColumnError",
    "EffectError",
    "EffectWarning",
    "EmptyDataError",
    "FewClustersWarning",
    "FitSizeError",
    "ForeignFitError",
    "FormulaError",
    "HeldOutWarning",
    "InfiniteValueError",
    "IntervalError",
    "IntervalWarning",
    "LabelError",
    "LengthMismatchError",
    "LeverageWarning",
    "MNLogitError",
    "MNLogitWarning",
    "MisalignedIndexError",
    "MissingDataError",
    "MissingExtraError",
    "NegativeVarianceWarning",
    "NetworkError",
    "NetworkWarning",
    "NewerFitError",
    "NoFiniteMaximumWarning",
    "NotConvergedWarning",
    "NotNestedError",
    "OffsetError",
    "OneCategoryError",
    "OptionError",
    "OutcomeError",
    "OutputFileError",
    "ParamsError",
    "PictureError",
    "QueryError",
    "RankDeficiencyError",
    "RowsNotHeldError",
    "SavedFitError",
    "ScaleError",
    "SeparationError",
    "SeparationWarning",
    "SizeLimitError",
    "UnsafeFitError",
    "UnsafeFormulaError",
    "UnseenLevelError",
    "UnusedCovarianceWarning",
    "UnusedLevelWarning",
    "UnusedWeightsWarning",
    "WeightError",
    "WeightTypeError",
    "ZeroVarianceWarning",
]


class MNLogitError(ValueError):
    """Base of every error this package raises about its input."""


class MNLogitWarning(UserWarning):
    """Base of every warning this package gives."""


class BaseCategoryError(MNLogitError):
    """The base asked for is not one of the categories."""


class BiasReductionError(MNLogitError):
    """What was asked for has no theory for bias-reduced estimates."""


class BootstrapError(MNLogitError):
    """There is nothing to resample, or too little came of it for what is asked."""


class BridgeError(MNLogitError):
    """Another package cannot take this fit, or what it asks of it has no meaning."""


class ClusterError(MNLogitError):
    """A cluster cannot do the work: its workers die, differ, or are gone."""


class ColumnNotFoundError(MNLogitError):
    """A column named in a formula or needed for prediction is not in the data."""


class ColumnTypeError(MNLogitError):
    """A column holds values that are not numbers where numbers are needed."""


class CompressionError(MNLogitError):
    """Equal rows cannot be made one row with counts."""


class CovarianceError(MNLogitError):
    """The covariance asked for is not defined for this fit."""


class CovarianceOmittedWarning(MNLogitWarning):
    """Covariance and certificate were left out: so many parameters, and nobody asked for them."""


class DataFileError(MNLogitError):
    """A data file cannot be read."""


class CorruptFileError(DataFileError):
    """A file is damaged, cut off or of another kind than it should be; the message says where."""


class DataFileWarning(MNLogitWarning):
    """Something that a data file says cannot be kept; the message says what became of it."""


class DataNotKeptError(MNLogitError):
    """The fit no longer holds the rows that the question needs."""


class DuplicateColumnError(MNLogitError):
    """Two columns have the same name."""


class EffectError(MNLogitError):
    """The marginal effect asked for is not defined, or names what is no variable."""


class EmptyDataError(MNLogitError):
    """There are no rows or no columns to fit."""


class FormulaError(MNLogitError):
    """A formula cannot be read."""


class InfiniteValueError(MNLogitError):
    """A column holds infinite values."""


class IntervalError(MNLogitError):
    """The interval asked for is not defined for this fit."""


class LabelError(MNLogitError):
    """Labels that stand beside the rows (groups, time, strata) cannot be read."""


class LengthMismatchError(MNLogitError):
    """Two inputs that go row by row have different lengths."""


class MisalignedIndexError(MNLogitError):
    """Two pandas inputs have different indexes, so their rows cannot be paired."""


class MissingDataError(MNLogitError):
    """There are missing values and ``missing="raise"``."""


class MissingExtraError(MNLogitError, ImportError):
    """An optional dependency is not installed; the message names the extra."""


class NotNestedError(MNLogitError):
    """Two models compared by a likelihood-ratio test are not nested."""


class OffsetError(MNLogitError):
    """The offset has a wrong shape or wrong values, or is missing for new data."""


class OneCategoryError(MNLogitError):
    """The outcome takes a single value, so there is nothing to model."""


class OptionError(MNLogitError):
    """A choice is not on the short list that the message prints."""


class OutcomeError(MNLogitError):
    """The outcome is neither labels, nor counts, nor probabilities."""


class OutputFileError(MNLogitError):
    """A file cannot be written."""


class ParamsError(MNLogitError):
    """Parameters given by the user have a wrong shape, wrong labels or values."""


class ConstraintError(ParamsError):
    """Constraints cannot be read, cannot all hold, or have no theory with what else is asked."""


class PictureError(MNLogitError):
    """There is nothing that a picture could show."""


class QueryError(MNLogitError):
    """A database refuses a query, or its rows are not the same every time."""


class RankDeficiencyError(MNLogitError):
    """A column is a linear combination of others."""


class RowsNotHeldError(MNLogitError):
    """What is asked for needs all rows in memory, and they are read in pieces."""


class ScaleError(MNLogitError):
    """A column is so large or so small that its square leaves the range of a double."""


class SeparationError(MNLogitError):
    """The data are separated, and a rule says that this is an error."""


class UnsafeFormulaError(FormulaError):
    """A formula holds something other than columns, numbers and named transforms."""


class UnseenLevelError(MNLogitError):
    """New data hold a level that the fit has not seen."""


class WeightError(MNLogitError):
    """Weights are negative, not finite, not whole or all zero."""


class WeightTypeError(MNLogitError):
    """Weights were given without a type, or a type without weights."""


class BootstrapWarning(MNLogitWarning):
    """Some resamples have no estimates, or they are too few for what is asked."""


class CategoryOrderWarning(MNLogitWarning):
    """Labels cannot be compared, so their order is by type and appearance."""


class ChangedRowsError(MNLogitError):
    """Rows that are read several times are others than before."""


class ChangedRowsWarning(MNLogitWarning):
    """Rows are those of a fit, and what belongs to them beside is not all there, or is other."""


class CheckpointError(MNLogitError):
    """A checkpoint is damaged, something else, or of another fit than the one that asks."""


class CollinearityWarning(MNLogitWarning):
    """Columns that are combinations of others were left out."""


class EffectWarning(MNLogitWarning):
    """Marginal effects are of columns, and a formula made several columns of a variable."""


class FewClustersWarning(MNLogitWarning):
    """A cluster-robust covariance rests on few clusters, and is likely too small."""


class HeldOutWarning(MNLogitWarning):
    """In some folds of a cross-validation something was lost, separated or not certified."""


class IntervalWarning(MNLogitWarning):
    """Ends of intervals break bounds that the fit is held to, and are NaN."""


class LeverageWarning(MNLogitWarning):
    """Rows or clusters that alone decide a coefficient have no adjusted residual."""


class NegativeVarianceWarning(MNLogitWarning):
    """A multi-way covariance had negative eigenvalues, which were set to zero."""


class NetworkError(MNLogitError):
    """A module is no softmax network that can be fitted by maximum likelihood."""


class NetworkWarning(MNLogitWarning):
    """A network is fitted as something else than what it may have been meant to be."""


class NoFiniteMaximumWarning(MNLogitWarning):
    """No finite maximum of the likelihood has been shown to exist."""


class NotConvergedWarning(MNLogitWarning):
    """The climb stopped before the maximum; the message tells how far off it can be."""


class SeparationWarning(NoFiniteMaximumWarning):
    """A combination of columns separates categories; some coefficients are infinite."""


class UnusedLevelWarning(MNLogitWarning):
    """A category or level without a row was dropped."""


class ZeroVarianceWarning(MNLogitWarning):
    """Sums of scores by group cancel, and do not tell a coefficient's standard error."""


class UnusedWeightsWarning(MNLogitWarning):
    """Another package does not use the fit's weights unless it is told to."""


class UnusedCovarianceWarning(MNLogitWarning):
    """A table is of the likelihood, and the robust covariance in use does not enter it."""


class SavedFitError(MNLogitError):
    """A saved fit cannot be read, or a fit cannot be saved; the named cases are below."""


class DamagedFitError(SavedFitError):
    """A saved fit is cut off, was changed since it was written, or contradicts itself."""


class ForeignFitError(SavedFitError):
    """A file is no saved fit of this package."""


class NewerFitError(SavedFitError):
    """A saved fit was written by a later version of this package."""


class UnsafeFitError(SavedFitError):
    """A saved fit holds what no fit would write, such as a formula that runs code."""


class SizeLimitError(MNLogitError):
    """What is asked for is larger than a stated limit; the message says which, and what to do."""


class FitSizeError(SavedFitError, SizeLimitError):
    """A saved fit is larger than the stated limit, or would be."""
