import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.errors import UserError
from multimodal.evaluation.metrics.cut_offs import parse_ks


@pytest.mark.parametrize(
    "text, ks",
    [
        ("1-10", list(range(1, 11))),
        ("1,3,5", [1, 3, 5]),
        ("5", [5]),
        ("1-3,5,10-12", [1, 2, 3, 5, 10, 11, 12]),
        (" 7 , 2 - 3, 3 ", [2, 3, 7]),
        ("1000", [1000]),
    ],
)
def test_accepted(text, ks):
    assert parse_ks(text) == ks


@pytest.mark.parametrize(
    "text, message",
    [
        ("0", "k: '0' in '0' asks for K = 0; a list has at least 1 hashtag"),
        ("0-4", "asks for K = 0"),
        ("-3", "k: '-3' in '-3' is negative; K starts at 1"),
        ("1,ten", "k: 'ten' in '1,ten' cannot be read; accepted are whole numbers and ranges, such as 5, 1-10"),
        ("2.5", "'2.5' in '2.5' cannot be read"),
        ("1-2-3", "cannot be read"),
        ("٣", "cannot be read"),
        ("", "an empty part in ''"),
        ("1,,2", "an empty part in '1,,2'"),
        ("10-1", "k: the range '10-1' in '10-1' runs backwards; write 1-10"),
        ("9" * 5_000, "is above the largest K, 1,000"),
        ("1001", "k: '1001' in '1001' is above the largest K, 1,000"),
        ("1-99999999999", "above the largest K"),
    ],
)
def test_refused(text, message):
    with pytest.raises(UserError) as error:
        parse_ks(text)
    assert message in str(error.value)


@given(st.sets(st.integers(1, 1000), min_size=1))
def test_single_values_round_trip(ks):
    assert parse_ks(",".join(map(str, ks))) == sorted(ks)
