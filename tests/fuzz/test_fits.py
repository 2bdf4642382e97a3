"""Whatever a model is given: a certified optimum, or a named error or warning."""

from hypothesis import given

from tests.fuzz.judging import judge
from tests.fuzz.strategies import Case, budget, cases


@given(case=cases())
@budget(300)
def test_a_certified_optimum_or_a_named_error_or_warning(case: Case):
    judge(case)
