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
    """Base of every error this package raises about its input.

    Catch it to catch every error of the package; the named cases below say which it is.
    """


class MNLogitWarning(UserWarning):
    """Base of every warning this package gives.

    Silence or raise them together: ``warnings.simplefilter("error", MNLogitWarning)``.
    """


class BaseCategoryError(MNLogitError):
    """The base asked for is not one of the categories.

    Give one of the categories that the message lists, of the same type as in the data.
    """


class BiasReductionError(MNLogitError):
    """What was asked for has no theory for bias-reduced estimates.

    Fit without bias_reduction, or without what the message says it does not go with.
    """


class BootstrapError(MNLogitError):
    """There is nothing to resample, or too little came of it for what is asked.

    Draw more resamples, or other ones; the message says which question has too few.
    """


class BridgeError(MNLogitError):
    """Another package cannot take this fit, or what it asks of it has no meaning.

    Use the method of this package that the message names.
    """


class ClusterError(MNLogitError):
    """A cluster cannot do the work: its workers die, differ, or are gone.

    Look at the workers: their memory, their versions, and whether they see the same files.
    """


class ColumnNotFoundError(MNLogitError):
    """A column named in a formula or needed for prediction is not in the data.

    Correct the name; the message lists the columns there are, or the nearest.
    """


class ColumnTypeError(MNLogitError):
    """A column holds values that are not numbers where numbers are needed.

    Convert the column, or wrap it in ``C(...)`` if its values are labels.
    """


class CompressionError(MNLogitError):
    """Equal rows cannot be made one row with counts.

    Leave compress out, or give what the message says it needs.
    """


class CovarianceError(MNLogitError):
    """The covariance asked for is not defined for this fit.

    Choose a covariance that goes with the weights and the fit; the message lists them.
    """


class CovarianceOmittedWarning(MNLogitWarning):
    """Covariance and certificate were left out: so many parameters, and nobody asked for them.

    Give cov_type to have it; `mlelogit.allow_memory` if it is too large.
    """


class DataFileError(MNLogitError):
    """A data file cannot be read.

    Check path, format and the options of `mlelogit.data.files.readers.read_data`.
    """


class CorruptFileError(DataFileError):
    """A file is damaged, cut off or of another kind than it should be; the message says where.

    Get the file anew, or mend the line or part that the message names.
    """


class DataFileWarning(MNLogitWarning):
    """Something that a data file says cannot be kept; the message says what became of it.

    See that what became of it is what you want, or write another format.
    """


class DataNotKeptError(MNLogitError):
    """The fit no longer holds the rows that the question needs.

    Give the rows: ``mlelogit.load(path, data=...)``, or newdata.
    """


class DuplicateColumnError(MNLogitError):
    """Two columns have the same name.

    Rename or drop one of the two.
    """


class EffectError(MNLogitError):
    """The marginal effect asked for is not defined, or names what is no variable.

    Name a variable of the formula, and a kind of effect that the message lists.
    """


class EmptyDataError(MNLogitError):
    """There are no rows or no columns to fit.

    See what a filter, a merge or ``missing="drop"`` left of the rows.
    """


class FormulaError(MNLogitError):
    """A formula cannot be read.

    Correct the formula where the message points.
    """


class InfiniteValueError(MNLogitError):
    """A column holds infinite values.

    Find the rows named; often a logarithm of zero or a division by it.
    """


class IntervalError(MNLogitError):
    """The interval asked for is not defined for this fit.

    Take another method of intervals, or another covariance; the message says which.
    """


class LabelError(MNLogitError):
    """Labels that stand beside the rows (groups, time, strata) cannot be read.

    Give a column name, or an array with a label for every row given.
    """


class LengthMismatchError(MNLogitError):
    """Two inputs that go row by row have different lengths.

    Give both with a value for every row, before rows are dropped.
    """


class MisalignedIndexError(MNLogitError):
    """Two pandas inputs have different indexes, so their rows cannot be paired.

    Reindex one like the other, or give arrays to pair by position.
    """


class MissingDataError(MNLogitError):
    """There are missing values and ``missing="raise"``.

    Fill the values in, or drop the rows: ``missing="drop"``.
    """


class MissingExtraError(MNLogitError, ImportError):
    """An optional dependency is not installed; the message names the extra.

    Install what the message names, such as ``pip install mlelogit[plots]``.
    """


class NotNestedError(MNLogitError):
    """Two models compared by a likelihood-ratio test are not nested.

    Compare by aic or bic, or give two models of the same rows, one within the other.
    """


class OffsetError(MNLogitError):
    """The offset has a wrong shape or wrong values, or is missing for new data.

    Give (n, J), or (n, J - 1) without the base, finite; with newdata its own offset.
    """


class OneCategoryError(MNLogitError):
    """The outcome takes a single value, so there is nothing to model.

    See whether rows or categories were lost before the fit.
    """


class OptionError(MNLogitError):
    """A choice is not on the short list that the message prints.

    Take one from the list in the message.
    """


class OutcomeError(MNLogitError):
    """The outcome is neither labels, nor counts, nor probabilities.

    Mend the rows named, or say what they are: ``outcome="labels"``, counts, probabilities.
    """


class OutputFileError(MNLogitError):
    """A file cannot be written.

    Check folder, permissions and the ending of the name.
    """


class ParamsError(MNLogitError):
    """Parameters given by the user have a wrong shape, wrong labels or values.

    Give (P,) values, or a frame labelled as ``results.params``.
    """


class ConstraintError(ParamsError):
    """Constraints cannot be read, cannot all hold, or have no theory with what else is asked.

    Write them as in `mlelogit.data.hypotheses.constraints.read_constraints`, none against another.
    """


class PictureError(MNLogitError):
    """There is nothing that a picture could show.

    Ask for what the fit has; the message says what is missing.
    """


class QueryError(MNLogitError):
    """A database refuses a query, or its rows are not the same every time.

    Run the query in the database itself; give it an order if its rows change.
    """


class RankDeficiencyError(MNLogitError):
    """A column is a linear combination of others.

    Leave a column out, or ``collinear="drop"``.
    """


class RowsNotHeldError(MNLogitError):
    """What is asked for needs all rows in memory, and they are read in pieces.

    Fit with ``stream=False``, or ask for it on a sample of the rows.
    """


class ScaleError(MNLogitError):
    """A column is so large or so small that its square leaves the range of a double.

    Change the column's unit.
    """


class SeparationError(MNLogitError):
    """The data are separated, and a rule says that this is an error.

    Leave the column out, merge categories, or fit with ``bias_reduction="mean"``.
    """


class UnsafeFormulaError(FormulaError):
    """A formula holds something other than columns, numbers and named transforms.

    Compute the column in the frame before the fit.
    """


class UnseenLevelError(MNLogitError):
    """New data hold a level that the fit has not seen.

    Drop those rows, merge the level into another, or fit with rows that have it.
    """


class WeightError(MNLogitError):
    """Weights are negative, not finite, not whole or all zero.

    Mend the rows named, or take another weight_type.
    """


class WeightTypeError(MNLogitError):
    """Weights were given without a type, or a type without weights.

    Say which: frequency, sampling or importance.
    """


class BootstrapWarning(MNLogitWarning):
    """Some resamples have no estimates, or they are too few for what is asked.

    Draw more, or look at the failures that the result counts.
    """


class CategoryOrderWarning(MNLogitWarning):
    """Labels cannot be compared, so their order is by type and appearance.

    Give a Categorical, whose order is kept.
    """


class ChangedRowsError(MNLogitError):
    """Rows that are read several times are others than before.

    Leave the files alone while they are read; fit anew to the rows as they are now.
    """


class ChangedRowsWarning(MNLogitWarning):
    """Rows are those of a fit, and what belongs to them beside is not all there, or is other.

    Give what the message misses, or fit anew.
    """


class CheckpointError(MNLogitError):
    """A checkpoint is damaged, something else, or of another fit than the one that asks.

    Delete the checkpoint, or name another file for this fit.
    """


class CollinearityWarning(MNLogitWarning):
    """Columns that are combinations of others were left out.

    Read ``results.omitted``; leave a column out of the formula to choose which.
    """


class EffectWarning(MNLogitWarning):
    """Marginal effects are of columns, and a formula made several columns of a variable.

    Name the variable in margins, or fit with a formula.
    """


class FewClustersWarning(MNLogitWarning):
    """A cluster-robust covariance rests on few clusters, and is likely too small.

    Take ``correction="CR2"`` or CR3, or ``results.bootstrap_test``.
    """


class HeldOutWarning(MNLogitWarning):
    """In some folds of a cross-validation something was lost, separated or not certified.

    Take fewer folds, or stratify; the table says which folds.
    """


class IntervalWarning(MNLogitWarning):
    """Ends of intervals are not known, or break bounds that the fit is held to, and are NaN.

    Read the ends named as unknown, or take ``method="wald"``.
    """


class LeverageWarning(MNLogitWarning):
    """Rows or clusters that alone decide a coefficient have no adjusted residual.

    Read the standard errors they touch with care, or drop what only such rows decide.
    """


class NegativeVarianceWarning(MNLogitWarning):
    """A multi-way covariance had negative eigenvalues, which were set to zero.

    Read the size of the largest in the message; if it is not small, cluster one way.
    """


class NetworkError(MNLogitError):
    """A module is no softmax network that can be fitted by maximum likelihood.

    End the module in scores (n, J), without dropout or batch statistics.
    """


class NetworkWarning(MNLogitWarning):
    """A network is fitted as something else than what it may have been meant to be.

    See that what is fitted is what you want; the message says how to have the other.
    """


class NoFiniteMaximumWarning(MNLogitWarning):
    """No finite maximum of the likelihood has been shown to exist.

    Read ``results.separation``; raise maxiter if the climb was cut off.
    """


class NotConvergedWarning(MNLogitWarning):
    """The climb stopped before the maximum; the message tells how far off it can be.

    Raise maxiter, or tol if the error the message tells is small enough.
    """


class SeparationWarning(NoFiniteMaximumWarning):
    """A combination of columns separates categories; some coefficients are infinite.

    Read ``results.separation``; ``bias_reduction="mean"`` gives finite estimates.
    """


class UnusedLevelWarning(MNLogitWarning):
    """A category or level without a row was dropped.

    Nothing, or ``cat.remove_unused_categories()`` on the column.
    """


class ZeroVarianceWarning(MNLogitWarning):
    """Sums of scores by group cancel, and do not tell a coefficient's standard error.

    Read these standard errors as unknown; take a covariance by other groups, or nonrobust.
    """


class UnusedWeightsWarning(MNLogitWarning):
    """Another package does not use the fit's weights unless it is told to.

    Give the other package the weights as its message or the guide says.
    """


class UnusedCovarianceWarning(MNLogitWarning):
    """A table is of the likelihood, and the robust covariance in use does not enter it.

    Take ``kind="wald"`` or ``kind="score"``, which use it.
    """


class SavedFitError(MNLogitError):
    """A saved fit cannot be read, or a fit cannot be saved; the named cases are below.

    Catch it to catch every one of them.
    """


class DamagedFitError(SavedFitError):
    """A saved fit is cut off, was changed since it was written, or contradicts itself.

    Copy the file again, or save the fit again.
    """


class ForeignFitError(SavedFitError):
    """A file is no saved fit of this package.

    See that the path is that of a file that ``results.save`` wrote.
    """


class NewerFitError(SavedFitError):
    """A saved fit was written by a later version of this package.

    Update this package, or save with the version that reads.
    """


class UnsafeFitError(SavedFitError):
    """A saved fit holds what no fit would write, such as a formula that runs code.

    Do not use the file, unless you know who wrote it; then fit anew.
    """


class SizeLimitError(MNLogitError):
    """What is asked for is larger than a stated limit; the message says which, and what to do.

    Raise the limit if the size is meant, such as with `mlelogit.allow_memory`.
    """


class FitSizeError(SavedFitError, SizeLimitError):
    """A saved fit is larger than the stated limit, or would be.

    Save what you need of it, such as ``results.tidy()``.
    """
