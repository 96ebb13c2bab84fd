"""Rows of text tables: as csv and pandas read them, and without losing rows to a stray quote."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_loaders.errors import DataError
from data_loaders.readers import RawPost, open_dump
from data_loaders.readers.table_rows import TableRows

HEADER = "post_id,user_id,timestamp,caption,hashtags"


def rows_of(text, delimiter=","):
    rows = TableRows(io.StringIO(text, newline=""), [], delimiter, 1 << 20)
    header = next(iter(rows)).cells
    rows.expect(len(header), 0, None)
    return [header, *(row.cells for row in rows)]


def read(folder, text, name="posts.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return list(open_dump(path).read())


def split(records):
    return [record.post.post_id for record in records if isinstance(record, RawPost)], [
        record for record in records if not isinstance(record, RawPost)
    ]


def table(count, **changed):
    lines = [f"{n},u{n % 3},2024-05-{n % 28 + 1:02},harbour {n} #gull,gull" for n in range(count)]
    for number, line in changed.items():
        lines[int(number.removeprefix("n"))] = line
    return "\n".join([HEADER, *lines]) + "\n"


@pytest.mark.parametrize("later", ["", '400,u1,2024-05-01,"a, b",gull', '400,u1,2024-05-01,"a ""b""\nc",gull'])
@pytest.mark.parametrize(
    "stray",
    ['10,u1,2024-05-01,"open #gull,gull', '10,u1,2024-05-01,"open ""quoted"" #gull,gull', '"10,u1,2024-05-01,x,gull'],
)
def test_one_stray_quote_costs_its_own_row(tmp_path, stray, later):
    changes = {"n10": stray, **({"n400": later} if later else {})}
    kept, (refused,) = split(read(tmp_path, table(500, **changes)))
    assert kept == [str(n) for n in range(500) if n != 10]
    assert (refused.reason, refused.where) == ("malformed_row", "posts.csv:12")
    assert refused.detail.startswith("A quote opens a cell that is not closed as it should be: ")
    accepted = "a cell that holds a quote, a delimiter or a line break stands in quotes, with its own quotes doubled."
    assert refused.detail.endswith(f"Accepted: {accepted} It begins with {stray!r}.")


@pytest.mark.parametrize("last", ['13,u1,2024-05-01,close" #gull,gull', '13,u1,2024-05-01,close",gull'])
def test_two_stray_quotes_that_would_close_each_other(tmp_path, last):
    text = table(20, n10='10,u1,2024-05-01,"open,gull', n13=last)
    kept, refused = split(read(tmp_path, text))
    assert [number for number in kept if number not in ("10", "13")] == [str(n) for n in range(20) if n not in (10, 13)]
    assert refused[0].where == "posts.csv:12"
    assert "up to line 15" in refused[0].detail


def test_the_last_quote_is_never_closed(tmp_path):
    kept, (refused,) = split(read(tmp_path, table(3) + '9,u1,2024-05-01,"open'))
    assert kept == ["0", "1", "2"]
    assert "it is never closed" in refused.detail


def test_a_header_with_a_stray_quote(tmp_path):
    with pytest.raises(DataError, match=r"has a header that cannot be read\. A quote opens a cell"):
        read(tmp_path, 'post_id,"caption\n1,x\n2,y\n')


@pytest.mark.parametrize(
    "caption",
    [
        "one\ntwo, with a comma",
        "1, 2\n3, 4, 5",
        "milk, eggs\nbread, tea",
        'a "quote"\nand, 2, commas, in, a line',
        "\n\n\n",
        '"',
        '""\n"',
        "2024-05-01",
    ],
)
def test_cells_with_line_breaks_that_are_right_stay_whole(tmp_path, caption):
    path = tmp_path / "posts.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [HEADER.split(","), ["1", "ann", "2024-05-01", caption, ""], ["2", "ann", "", "x", ""]]
        )
    first, second = open_dump(path).read()
    assert (first.post.caption or "").strip() == caption.strip()
    assert second.post.post_id == "2"


def test_the_rest_of_a_refused_cell_is_no_post(tmp_path):
    text = 'post_id,caption\n1,"He said "no"\nBye, now\nSo, what"\n2,x\n3,"open\nWell, then\n4,y\n'
    kept, refused = split(read(tmp_path, text))
    assert kept == ["1", "2", "4"]
    assert [record.where for record in refused] == ["posts.csv:3", "posts.csv:4", "posts.csv:6", "posts.csv:7"]
    assert refused[0].detail == (
        "The line may be the rest of a cell of a row above, whose quotes are not right. It begins with 'Bye, now'."
    )


def test_backslash_escapes_of_mysql(tmp_path):
    rows = ['"1",\\N,"She said \\"hi, you\\" #fog"', '"2","ann","a \\\\ b\\\nc"', '"3","x","\\N"']
    text = "\n".join(['"post_id","user_id","caption"', *rows])
    first, second, third = read(tmp_path, text)
    assert (first.post.user_id, first.post.caption) == (None, 'She said "hi, you" #fog')
    assert second.post.caption == "a \\ b\nc"
    assert third.post.caption is None


def test_backslash_escapes_without_quotes(tmp_path):
    (record,) = read(tmp_path, "post_id,caption\n1,low\\, tide #fog\n")
    assert record.post.caption == "low, tide #fog"


def test_the_text_format_of_postgresql(tmp_path):
    text = 'post_id\tuser_id\tcaption\n0\tann\tone\\ntwo\n1\t\\N\t"tab\\there #fog\n2\tbob\ta "b" \\\\ c\n'
    zero, first, second = read(tmp_path, text, "posts.tsv")
    assert zero.post.caption == "one\ntwo"
    assert (first.post.user_id, first.post.caption) == (None, '"tab\there #fog')
    assert second.post.caption == 'a "b" \\ c'


def test_backslashes_that_escape_nothing_are_kept(tmp_path):
    first, second = read(tmp_path, 'post_id,caption\n1,C:\\new\\table\n2,"ends in \\"\n')
    assert (first.post.caption, second.post.caption) == ("C:\\new\\table", "ends in \\")


@pytest.mark.parametrize("mark", ["sep=;\n", '"sep=;"\r\n', "SEP=;\n"])
def test_excel_names_its_delimiter(tmp_path, mark):
    (record,) = read(tmp_path, mark + "post_id;caption\n1;low, tide\n")
    assert (record.post.post_id, record.post.caption, record.where) == ("1", "low, tide", "posts.csv:3")


CELLS = st.text(st.sampled_from('ab ,;\t"\n\\é#'), max_size=8)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_csv_writes_is_read_as_csv_and_pandas_read_it(rows, quoting, end):
    written = io.StringIO(newline="")
    table = [["id", "x", "y"], *([f"p{number}", *row] for number, row in enumerate(rows))]
    csv.writer(written, quoting=quoting, lineterminator=end).writerows(table)
    text = written.getvalue()
    assert rows_of(text) == table
    assert rows_of(text) == list(csv.reader(io.StringIO(text, newline="")))
    frame = pd.read_csv(io.StringIO(text, newline=""), dtype=str, keep_default_na=False)
    assert rows_of(text)[1:] == frame.to_numpy().tolist()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.text(st.sampled_from('ab1,"\n\\N'), max_size=30), max_size=6))
def test_every_line_of_any_text_is_in_one_row(pieces):
    text = "id,x\n" + "\n".join(pieces)
    rows = TableRows(io.StringIO(text, newline=""), [], ",", 1 << 20)
    rows.expect(len(next(iter(rows)).cells), 0, None)
    starts = [row.line for row in rows]
    assert starts == sorted(set(starts))
    assert rows.line == len(io.StringIO(text, newline="").readlines())
