"""Whatever a fit is asked: an answer, or a named error."""

from typing import Any

from hypothesis import given

from tests.fuzz.questions import ask, questions
from tests.fuzz.strategies import budget


@given(question=questions())
@budget(200)
def test_an_answer_or_a_named_error(question: tuple[str, str, list[Any]]):
    ask(question)
