"""Parquet out: what DuckDB reads of a run, and what Spark would refuse."""

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pricing.cli import app
from pricing.report.json_and_parquet import REFUSED, write_parquet
from structuring import load_deal, load_scenarios, run
from waterfalls.errors import InvalidTerms

TEXT, NUMBER, DAY = "VARCHAR", "DOUBLE", "DATE"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("out")
    done = CliRunner().invoke(app, ["run", "vantage-jersey", "--shock", "100", "--parquet", str(place)])
    assert done.exit_code == 0, done.output
    return place


def types(file):
    return {name: kind for name, kind, *_ in duckdb.sql(f"describe select * from '{file}'").fetchall()}


def test_duckdb_reads_every_file_with_the_right_types(folder):
    files = {file.stem: types(file) for file in folder.glob("*.parquet")}
    assert {"flows", "prices", "losses"} <= set(files)
    for name, kinds in files.items():
        assert set(kinds.values()) <= {TEXT, NUMBER, DAY, "BIGINT", "BOOLEAN"}, name
        assert not [column for column in kinds if REFUSED.search(column) or "index" in column], name
        wanted = {
            "deal": TEXT,
            "scenario": TEXT,
            "shock": TEXT,
            "tranche": TEXT,
            "investor_class": TEXT,
            "status": TEXT,
        }
        wanted |= {"date": DAY, "npv": NUMBER, "interest": NUMBER, "total_loss": NUMBER, "clean": NUMBER}
        assert not {column: kinds[column] for column in wanted if column in kinds and kinds[column] != wanted[column]}


def test_duckdb_sums_what_pandas_sums(folder):
    deal = load_deal("vantage-jersey")
    flows = run(deal, load_scenarios("vantage-jersey"), rates={"SONIA": 0.04}).frame()
    fixed = flows[flows["tranche"] == "A-2"].groupby("scenario", observed=True)["interest"].sum()
    query = f"select scenario, sum(interest) from '{folder}/flows.parquet' where tranche = 'A-2' group by scenario"
    assert dict(duckdb.sql(query).fetchall()) == pytest.approx(fixed.to_dict(), rel=1e-12)
    late = f"select count(*), min(date) from '{folder}/flows.parquet' where date >= date '2030-01-01'"
    count, first = duckdb.sql(late).fetchall()[0]
    days = flows.loc[pd.to_datetime(flows["date"]) >= "2030-01-01", "date"]
    assert (count, first) == (len(days), pd.Timestamp(days.min()).date())


def test_what_spark_cannot_read_is_not_written(tmp_path):
    frame = pd.DataFrame({
        "tranche": pd.Categorical(["A", "B"]), "date": pd.to_datetime(["2026-11-30", "2027-02-28"]),
        "made": pd.to_datetime(["2026-11-22 13:00:00.123456"] * 2), "unknown": [None, None],
        "clean": [99.5, np.nan],
    }, index=pd.Index([7, 8], name="row"))  # fmt: skip
    (file,) = write_parquet(tmp_path, {"out": frame})
    schema = pq.read_schema(file)
    assert schema.names == ["tranche", "date", "made", "unknown", "clean"]
    physical = {
        column.name: (column.physical_type, str(column.logical_type))
        for column in map(pq.read_metadata(file).schema.column, range(5))
    }
    assert physical["tranche"] == physical["unknown"] == ("BYTE_ARRAY", "String")
    assert physical["date"] == ("INT32", "Date")
    assert physical["made"][0] == "INT64" and "timeUnit=microseconds" in physical["made"][1]
    assert duckdb.sql(f"select tranche, date, unknown from '{file}'").fetchall()[0] == (
        "A",
        dt.date(2026, 11, 30),
        None,
    )
    (file,) = write_parquet(tmp_path, {"out": frame.rename(columns={"clean": "loss (m)"})})
    assert pq.read_schema(file).names[-1] == "loss__m_"
    with pytest.raises(InvalidTerms, match="a_b: would be the name of several columns in Parquet"):
        write_parquet(tmp_path, {"out": frame.rename(columns={"clean": "a b", "tranche": "a_b"})})
