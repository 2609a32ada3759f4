"""Filings of regulators: holdings by identifier, loan tapes in their field names, and files that would do harm.

The small files are made here in the real layouts: Form N-PORT (namespace of EDGAR), the columns of its quarterly data sets,
Schedule D part 1 of the NAIC's statement, asset data of Form ABS-EE (17 CFR 229.1125), European templates (2020/1224).
"""

import datetime as dt

import pytest

from structuring import Deal, LoanPool, load_deal
from structuring.deals.filed_holdings import filed_holdings
from structuring.documents.xml_files import read_xml
from structuring.regulators.loan_tapes import read_loan_tape
from structuring.regulators.positions import cusip_of, odd_identifier
from waterfalls.errors import InvalidTerms

NOTE, ISIN = "037833100", "US0378331005"  # whose check digits are known: Apple's common stock
OTHER = "594918104"

NPORT = """<?xml version="1.0" encoding="UTF-8"?>
<edgarSubmission xmlns="http://www.sec.gov/edgar/nport" xmlns:com="http://www.sec.gov/edgar/common">
  <headerData><submissionType>NPORT-P</submissionType></headerData>
  <formData>
    <genInfo>
      <regName>Example Trust</regName><seriesName>{fund}</seriesName><seriesId>S000000001</seriesId>
      <repPdEnd>2026-12-31</repPdEnd><repPdDate>{day}</repPdDate>
    </genInfo>
    <fundInfo><totAssets>1000000000.00</totAssets></fundInfo>
    <invstOrSecs>
      <invstOrSec>
        <name>Data Center Issuer LLC</name><title>Data Center Issuer LLC, A-2</title><cusip>{cusip}</cusip>
        <identifiers><isin value="{isin}"/></identifiers>
        <balance>{par}</balance><units>{units}</units><curCd>USD</curCd><valUSD>101000000.00</valUSD>
        <pctVal>10.1</pctVal><payoffProfile>Long</payoffProfile><assetCat>ABS-O</assetCat>
      </invstOrSec>
      <invstOrSec>
        <name>Another</name><title>Another</title><cusip>N/A</cusip><balance>oops</balance><units>NS</units>
      </invstOrSec>
    </invstOrSecs>
  </formData>
</edgarSubmission>
"""


def nport(path, fund="Example Income Fund", day="2026-09-30", cusip=NOTE, isin="", par="100000000.00", units="PA"):
    path.write_text(NPORT.format(fund=fund, day=day, cusip=cusip, isin=isin, par=par, units=units), encoding="utf-8")
    return path


def tables(folder):
    folder.mkdir()
    rows = {
        "SUBMISSION": [
            "ACCESSION_NUMBER\tFILING_DATE\tREPORT_ENDING_PERIOD\tREPORT_DATE",
            "0-26-1\t29-NOV-2026\t31-DEC-2026\t30-SEP-2026",
        ],
        "FUND_REPORTED_INFO": ["ACCESSION_NUMBER\tSERIES_NAME\tSERIES_ID", '0-26-1\tExample "Bond" ETF\tS2'],
        "FUND_REPORTED_HOLDING": [
            "ACCESSION_NUMBER\tHOLDING_ID\tISSUER_NAME\tISSUER_CUSIP\tBALANCE\tUNIT\tCURRENCY_CODE",
            "0-26-1\t1\tData Center Issuer LLC\tN/A\t30000000\tPA\tUSD",
            f"0-26-1\t2\tData Center Issuer LLC\t{NOTE}\t20000000\tPA\tUSD",
            "0-26-1\t3\tAnother\tN/A\tnothing\tNS\tUSD",
        ],
        "IDENTIFIERS": ["HOLDING_ID\tIDENTIFIERS_ID\tIDENTIFIER_ISIN", f"1\t1\t{ISIN}", "3\t1\tUS5949181045"],
    }
    for name, lines in rows.items():
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def schedule_d(path):
    path.write_text(
        "Schedule D - Part 1: long-term bonds owned\n"
        "CUSIP Identification,Description,NAIC Designation,Actual Cost,Fair Value,Par Value,Company Name,Statement Date\n"
        f'037833-10-0,DATA CENTER ISSUER A-2,1.F,"199,000,000","201,000,000","200,000,000",Example Life,2025-12-31\n'
        f"{OTHER},ANOTHER,1.A,1,1,1,Example Life,2025-12-31\n",
        encoding="utf-8",
    )
    return path


# Holdings


def test_holdings_by_identifier_from_all_three_kinds_of_filings(tmp_path):
    files = [nport(tmp_path / "one.xml"), tables(tmp_path / "2026q3"), schedule_d(tmp_path / "life.csv")]
    found = filed_holdings(
        files,
        notes={"A-2": ISIN},
        outstanding={"A-2": 800e6},
        classes={"Example Income Fund": "mutual funds"},
        others={"equity": {"sponsor": 1.0}},
    )
    shares = {"mutual funds": 0.125, "exchange-traded funds": 0.0625, "insurers": 0.25, "unidentified": 0.5625}
    assert found.shares == {"A-2": pytest.approx(shares), "equity": {"sponsor": 1.0}}
    assert found.named["A-2"]['Example "Bond" ETF'] == pytest.approx(50 / 800)
    assert found.cells["A-2"]["insurers"].known == "reported"
    assert found.cells["A-2"]["insurers"].date == dt.date(2025, 12, 31)
    assert "N-PORT" in found.cells["A-2"]["mutual funds"].source
    assert found.coverage({"A-2": 800e6, "equity": 0.0}).loc[0, "reported"] == pytest.approx(43.75)


def test_the_latest_filing_of_a_holder_counts_and_isins_alone_do(tmp_path):
    old = nport(tmp_path / "old.xml", day="2026-06-30", par="300000000")
    new = nport(tmp_path / "new.xml", cusip="N/A", isin=ISIN)
    for files in ([old, new], [new, old]):
        found = filed_holdings(files, notes={"A-2": [NOTE, OTHER]}, outstanding={"A-2": 800e6})
        assert found.shares["A-2"]["registered funds"] == pytest.approx(0.125)


def test_a_deal_takes_them(tmp_path):
    deal = load_deal("vantage-jersey")
    held = filed_holdings(
        [nport(tmp_path / "one.xml")],
        notes={"A-2": NOTE},
        outstanding={"A-2": 800e6},
        others={name: shares for name, shares in deal.holders.shares.items() if name != "A-2"},
    )
    import dataclasses

    taken = dataclasses.replace(deal, holdings=held)
    assert isinstance(taken, Deal)
    assert taken.holders.known("A-2", "registered funds") == "reported"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (NOTE, ""), (ISIN, ""), ("XS0000000009", ""), ("037833101", "check digit of '037833101' must be 0"),
        ("US0378331006", "must be 5"), ("0378", "a CUSIP has 9"), ("0378 3310", "a CUSIP has 9"),
    ],
)  # fmt: skip
def test_identifiers_are_checked(given, says):
    wrong = odd_identifier(given)
    assert says in wrong if says else not wrong
    assert cusip_of(ISIN) == NOTE and cusip_of("XS0000000009") == "XS0000000009"


def test_faults_of_filings_say_where(tmp_path):
    notes, owed = {"A-2": NOTE}, {"A-2": 800e6}
    cases = {
        r"one.xml, line 11: the balance is in units 'NS'": nport(tmp_path / "one.xml", units="NS"),
        r"two.xml, line 11: the balance must be above 0, got -5": nport(tmp_path / "two.xml", par="-5"),
        r"three.xml, line 11: must be a number, got 'many'": nport(tmp_path / "three.xml", par="many"),
        r"four.xml, repPdDate: must be a date": nport(tmp_path / "four.xml", day="soon"),
        r"holds no IDENTIFIERS.tsv": tmp_path,
        r"there is no file": tmp_path / "none.xml",
    }
    for says, file in cases.items():
        with pytest.raises(InvalidTerms, match=says):
            filed_holdings([file], notes=notes, outstanding=owed)
    folder = tables(tmp_path / "quarter")
    (folder / "IDENTIFIERS.tsv").write_text("HOLDING_ID\tOTHER\n1\t2\n", "utf-8")
    with pytest.raises(InvalidTerms, match="IDENTIFIERS.tsv: the columns IDENTIFIER_ISIN are needed and missing"):
        filed_holdings([folder], notes=notes, outstanding=owed)
    other = tmp_path / "other.xml"
    other.write_text("<a/>", "utf-8")
    with pytest.raises(InvalidTerms, match="is no Form N-PORT"):
        filed_holdings([other], notes=notes, outstanding=owed)
    with pytest.raises(InvalidTerms, match="holders report 100,000,000 of 50,000,000 outstanding"):
        filed_holdings([nport(tmp_path / "big.xml")], notes=notes, outstanding={"A-2": 50e6})
    for bad, says in (({"A-2": "12"}, "a CUSIP has 9"), ({"A-2": NOTE, "B": ISIN}, "is 'A-2' already")):
        with pytest.raises(InvalidTerms, match=says):
            filed_holdings([], notes=bad, outstanding=dict.fromkeys(bad, 1.0))
    with pytest.raises(InvalidTerms, match="must say the principal outstanding"):
        filed_holdings([], notes=notes, outstanding={})
    table = tmp_path / "odd.csv"
    table.write_text("CUSIP,Value\n1,2\n", "utf-8")
    with pytest.raises(InvalidTerms, match="is no Schedule D"):
        filed_holdings([table], notes=notes, outstanding=owed)


# Loan tapes

AUTO = """<?xml version="1.0" encoding="UTF-8"?>
<assetData xmlns="http://www.sec.gov/edgar/document/absee/autoloan/assetdata">
  <assets>
    <assetTypeNumber>Auto</assetTypeNumber><assetNumber>A1</assetNumber>
    <reportingPeriodEndingDate>10-31-2026</reportingPeriodEndingDate>
    <originalLoanAmount>30000.00</originalLoanAmount><originalLoanTerm>72</originalLoanTerm>
    <originalInterestRatePercentage>.0599</originalInterestRatePercentage>
    <originalInterestRateTypeCode>1</originalInterestRateTypeCode>
    <reportingPeriodInterestRatePercentage>0.0599</reportingPeriodInterestRatePercentage>
    <reportingPeriodActualEndBalanceAmount>{balance}</reportingPeriodActualEndBalanceAmount>
    <remainingTermToMaturityNumber>60</remainingTermToMaturityNumber>
    <currentDelinquencyStatus>0</currentDelinquencyStatus>
  </assets>
  <assets>
    <assetNumber>A2</assetNumber><originalLoanTerm>60</originalLoanTerm>
    <originalInterestRatePercentage>{rate}</originalInterestRatePercentage>
    <reportingPeriodActualEndBalanceAmount>12000</reportingPeriodActualEndBalanceAmount>
    <remainingTermToMaturityNumber>30</remainingTermToMaturityNumber>
  </assets>
  <assets>
    <assetNumber>A3</assetNumber><zeroBalanceCode>1</zeroBalanceCode>
    <reportingPeriodActualEndBalanceAmount>0</reportingPeriodActualEndBalanceAmount>
    <remainingTermToMaturityNumber>0</remainingTermToMaturityNumber>
  </assets>
</assetData>
"""

CMBS = """<assetData xmlns="http://www.sec.gov/edgar/document/absee/cmbs/assetdata">
  <assets>
    <assetNumber>1</assetNumber><reportingPeriodEndDate>11-12-2026</reportingPeriodEndDate>
    <originationDate>11-12-2024</originationDate><maturityDate>11-12-2034</maturityDate>
    <originalAmortizationTermNumber>360</originalAmortizationTermNumber>
    <originalInterestOnlyTermNumber>36</originalInterestOnlyTermNumber>
    <originalInterestRateTypeCode>1</originalInterestRateTypeCode>
    <reportPeriodInterestRatePercentage>.07380000</reportPeriodInterestRatePercentage>
    <reportPeriodEndActualBalanceAmount>75000000.00</reportPeriodEndActualBalanceAmount>
    <property><propertyName>Campus</propertyName><propertyState>VA</propertyState></property>
  </assets>
</assetData>
"""

EUROPEAN = """RREL3,RREL6,RREL23,RREL24,RREL30,RREL35,RREL37,RREL42,RREL43,RREL11
L1,2026-10-31,2020-10-31,2046-10-31,150000,FRXX,MNTH,FXRL,2.75,DE300
L2,2026-10-31,2021-10-31,2031-10-31,90000,BLLT,QUTR,FLIF,3.5,ND1
L3,2026-10-31,2021-10-31,2031-10-31,0,FRXX,MNTH,FXRL,3.5,ND1
"""


def written(path, text):
    path.write_text(text, "utf-8")
    return path


def test_auto_loans_of_form_abs_ee(tmp_path):
    file = written(tmp_path / "auto.xml", AUTO.format(balance="25000.00", rate=".0449"))
    tape = read_loan_tape(file)
    assert tape.day == dt.date(2026, 10, 31)
    assert tape.frame.to_dict("list") == {
        "loan": ["A1", "A2"], "balance": [25000.0, 12000.0], "rate": [0.0599, 0.0449], "remaining_term": [60.0, 30.0],
        "age": [12, 30],
    }  # fmt: skip
    assert tape.left_out == {"repaid, charged off or without a balance": 1}
    assert "currentDelinquencyStatus" in tape.unused and "originalLoanAmount" in tape.unused
    assert "1 left out: repaid" in tape.told() and "rate from reportingPeriodInterestRatePercentage" in tape.told()
    pool = LoanPool.from_tape(file, prepayment=0.01)
    assert pool.lines.balance.sum() == 37000.0


def test_commercial_mortgages_of_form_abs_ee(tmp_path):
    tape = read_loan_tape(written(tmp_path / "cmbs.xml", CMBS))
    (row,) = tape.frame.to_dict("records")
    assert row == {
        "loan": "1", "balance": 75e6, "rate": 0.0738, "remaining_term": 96, "age": 24, "interest_only": 12,
        "amortisation_term": 360,
    }  # fmt: skip
    assert "property.propertyState" in tape.unused
    pool = LoanPool.from_tape(tmp_path / "cmbs.xml")
    assert pool.lines.over.tolist() == [360.0]


def test_a_european_template(tmp_path):
    file = written(tmp_path / "esma.csv", EUROPEAN)
    tape = read_loan_tape(file)
    one, two = tape.frame.to_dict("records")
    assert one["rate"] == pytest.approx(0.0275) and one["remaining_term"] == 240 and one["age"] == 72
    assert two["interest_only"] == two["remaining_term"] == 60 and two["frequency"] == "quarterly"
    assert tape.left_out == {"repaid or without a balance": 1} and tape.unused == ("RREL11",)
    assert any("1 loans at rates that change" in said for said in tape.assumed)
    assert LoanPool.from_tape(file).lines.balance.sum() == 240000.0


def test_headings_may_say_the_name_behind_the_code(tmp_path):
    text = EUROPEAN.replace("RREL43", "RREL43 Current Interest Rate").replace("RREL30", "rrel30_current_balance")
    assert len(read_loan_tape(written(tmp_path / "esma.csv", text)).frame) == 2
    for annex, codes in {"CRPL": (3, 6, 34, 39, 53), "AUTL": (3, 6, 25, 30, 40)}.items():
        rows = ",".join(f"{annex}{code}" for code in codes) + "\nL1,2026-10-31,2028-10-31,1000,4.5\n"
        tape = read_loan_tape(written(tmp_path / "other.csv", rows))
        assert tape.frame[["balance", "rate", "remaining_term"]].to_numpy().tolist() == [[1000.0, 0.045, 24.0]]


def test_a_deal_file_names_such_a_tape(tmp_path):
    written(tmp_path / "auto.xml", AUTO.format(balance="25000.00", rate=".0449"))
    source = load_deal("mezz-abs-cdo-2006")
    from structuring import save_deal

    save_deal(source, tmp_path / "deal.yaml")
    text = (tmp_path / "deal.yaml").read_text("utf-8")
    begin, end = text.index("    lines:"), text.index("tranches:")
    written(
        tmp_path / "deal.yaml",
        text[:begin] + "    lines: {file: auto.xml}\n" + text[end:].replace("funding:", "funding:", 1),
    )
    cut = (tmp_path / "deal.yaml").read_text("utf-8")
    if "funding:" in cut:  # which is held against the collateral
        head, _, rest = cut.partition("\nfunding:")
        tail = rest[rest.index("\nsources:") :] if "\nsources:" in rest else "\n"
        written(tmp_path / "deal.yaml", head + tail)
    deal = load_deal(tmp_path / "deal.yaml")
    assert deal.collateral.lines.balance.sum() == 37000.0
    from structuring.deals.unusual_terms import doubts

    told = [fault.what for fault in doubts(deal) if fault.place.endswith("loan_pool.lines")]
    assert told[0].startswith("of the tape: 1 left out: repaid") and "currentDelinquencyStatus" in told[-1]


def test_faults_of_tapes_say_where(tmp_path):
    bad = AUTO.format(balance="much", rate="5.99")
    with pytest.raises(InvalidTerms) as told:
        read_loan_tape(written(tmp_path / "auto.xml", bad))
    assert "auto.xml, line 3, reportingPeriodActualEndBalanceAmount: must be a number, got 'much'" in str(told.value)
    assert "auto.xml, line 14: reportingPeriodInterestRatePercentage is a decimal there, got 5.99" in str(told.value)
    with pytest.raises(InvalidTerms, match="is no asset data of Form ABS-EE"):
        read_loan_tape(written(tmp_path / "no.xml", "<XML><a/></XML>"))
    with pytest.raises(InvalidTerms, match="has no headings that begin with the field codes"):
        read_loan_tape(written(tmp_path / "no.csv", "a,b\n1,2\n"))
    wrong = EUROPEAN.replace("150000,FRXX", "150000,XXXX").replace("90000", "ND2")
    with pytest.raises(InvalidTerms) as told:
        read_loan_tape(written(tmp_path / "esma.csv", wrong))
    assert "esma.csv, row 2: RREL35 must be one of FRXX" in str(told.value)
    assert "esma.csv, row 3: RREL30 is needed and missing" in str(told.value)
    with pytest.raises(
        InvalidTerms, match="esma.csv, row 2: RREL37 must be one of MNTH, QUTR, SEMI, YEAR, OTHR, got 'WEEK'"
    ):
        read_loan_tape(written(tmp_path / "esma.csv", EUROPEAN.replace("FRXX,MNTH,FXRL,2.75", "FRXX,WEEK,FXRL,2.75")))
    odd = read_loan_tape(written(tmp_path / "esma.csv", EUROPEAN.replace("MNTH,FXRL,2.75", "OTHR,FXRL,2.75")))
    assert "1 loans that say another or no frequency are read as monthly" in odd.assumed
    twice = EUROPEAN.replace("L2", "L1")
    with pytest.raises(InvalidTerms, match="esma.csv, row 3: the loan 'L1' stands in esma.csv, row 2 already"):
        read_loan_tape(written(tmp_path / "esma.csv", twice))
    with pytest.raises(InvalidTerms, match="holds no loan with a balance"):
        read_loan_tape(written(tmp_path / "empty.csv", EUROPEAN.replace("150000", "0").replace("90000", "0")))


# XML that would do harm


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><a>&c;</a>', "line 1: a document type"),
        ('<!DOCTYPE a SYSTEM "http://elsewhere/a.dtd"><a/>', "a document type"),
        ("<a>&b;</a>", "is not XML: undefined entity"),
        ("<a><b></a>", "line 1: is not XML: mismatched tag"),
        ("<a>" * 101 + "</a>" * 101, "is too deep: at most 100 levels"),
        ("", "is not XML: no element found"),
        ("<a>\x00</a>", "is not XML"),
    ],
)
def test_xml_is_read_within_bounds(tmp_path, text, says):
    with pytest.raises(InvalidTerms, match=says):
        read_xml(written(tmp_path / "a.xml", text))


def test_elements_that_are_taken_are_not_kept(tmp_path, monkeypatch):
    from structuring.documents import xml_files

    monkeypatch.setattr(xml_files, "MOST_KEPT", 50)
    text = "<a>" + "<b><c>1</c></b>" * 200 + "</a>"
    taken = []
    root = read_xml(written(tmp_path / "a.xml", text), each="b", take=lambda node: taken.append(node.said("c")))
    assert len(taken) == 200 and not root.children
    with pytest.raises(InvalidTerms, match="holds more than 50 elements"):
        read_xml(tmp_path / "a.xml")
