"""No cell of a file runs as a formula, and every text comes back as it was."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mastery.exports import guard, restore, write_csv

_BEGINS_A_FORMULA = tuple("=+-@\t\r＝＋－＠")  # noqa: RUF001

texts = st.text(st.sampled_from("=+-@\t\r\n' ax1,\"＝＋－＠")) | st.text()  # noqa: RUF001


@given(texts)
@example("' =1")
@example("''=1")
@example("＝1")  # noqa: RUF001
def test_no_text_begins_a_formula_and_each_comes_back(text):
    guarded = guard(text)

    assert not guarded.startswith(_BEGINS_A_FORMULA)
    assert not guarded.strip().startswith(_BEGINS_A_FORMULA)
    assert restore(guarded) == text


@pytest.mark.parametrize("text", ["NS.1", "Can do it", "it's", "'quoted'", "3", "a=b", ""])
def test_ordinary_texts_stay_as_they_are(text):
    assert guard(text) == text


def test_numbers_stay_numbers_and_nothing_is_an_empty_cell():
    stream = io.StringIO()

    write_csv(stream, ["code", "=a", "b"], [["-1", -1, Decimal("-2.5")], ["x,\ny", None, 0]])

    assert stream.getvalue() == "code,'=a,b\r\n'-1,-1,-2.5\r\n\"x,\ny\",,0\r\n"
    stream.seek(0)
    assert list(csv.reader(stream))[2] == ["x,\ny", "", "0"]
