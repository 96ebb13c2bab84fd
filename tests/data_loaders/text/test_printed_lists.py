import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.text.printed_lists import read_postgres, read_printed

LISTS = st.lists(
    st.none()
    | st.integers()
    | st.text(max_size=5)
    | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    max_size=4,
)


@given(LISTS)
def test_what_python_prints_is_read_back(values):
    assert read_printed(repr(values)) == values
    assert read_printed(repr(tuple(values))) == values
    assert read_printed(f"array({values!r}, dtype=object)") == values


@given(LISTS.filter(lambda values: len(values) > 1))
def test_what_numpy_prints_without_commas_is_read_back(values):
    assert read_printed("[" + "\n ".join(map(repr, values)) + "]") == values


@given(st.lists(st.none() | st.text(max_size=5), max_size=4))
def test_what_postgres_prints_is_read_back(values):
    def printed(value):
        return "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    assert read_postgres("{" + ",".join(map(printed, values)) + "}") == values


@pytest.mark.parametrize(
    "text", ["['a' 'b', 'c']", "['a'", "[a]", "f([1])", "[1][0]", "[x for x in y]", "[1 if 2 else 3]"]
)
def test_anything_else_is_no_printed_list(text):
    with pytest.raises(ValueError, match=r"^(it is not|its brackets|one of its quotes)"):
        read_printed(text)
