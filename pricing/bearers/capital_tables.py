"""The figures of regulation that `pricing.bearers.regulatory_capital` reads, each with its article, its table and its dates.

Sources, in the consolidated texts of the Official Journal of the European Union:
    CRR             Regulation (EU) No 575/2013; articles 259 to 269 as replaced by Regulation (EU) 2017/2401, in force from
                    1 January 2019; articles 122 and 122a as replaced by Regulation (EU) 2024/1623, from 1 January 2025
    Solvency II     Delegated Regulation (EU) 2015/35; article 178 as replaced by Delegated Regulation (EU) 2018/1221, from
                    1 January 2019 to 29 January 2027. From 30 January 2027 Delegated Regulation (EU) 2026/269 lowers it for
                    senior positions: that table could not be checked, is not carried, and later dates are refused
Every cell was read against the text, and the tests hold it to a second transcription (tests/golden/regulatory_capital.json).
The weights by rating are those of the Basel framework too (CRE42). Article 263(6) was read in quotation.
"""

from __future__ import annotations

import datetime

FULL = 12.5  # CRR, articles 259, 261 and 263: a risk weight of 1250 %
FLOOR = 0.15  # CRR, articles 259(1), 261(1) and 263(6)
FLOOR_STS_SENIOR = 0.10  # CRR, articles 260, 262 and 264
FLOOR_RESECURITISATION = 1.0  # CRR, article 269(1)(c)
P = {"securitisation": 1.0, "sts": 0.5, "re-securitisation": 1.5}  # CRR, articles 261(1), 262 and 269(1)(b)
IN_DEFAULT = 0.5  # CRR, article 261(2): the capital of the share of the pool in default
MOST_UNKNOWN = 0.05  # CRR, article 261(2): beyond it, 1250 %
P_FLOOR = 0.3  # CRR, article 259(1)
GRANULAR = 25  # CRR, article 259(1): effective number of exposures
THICKEST = 0.5  # CRR, article 263(5)

# CRR, article 259(1), look-up table: A, B, C, D, E of p, by (retail, senior, granular); retail makes no difference of number
IRBA: dict[tuple[bool, bool, bool], tuple[float, float, float, float, float]] = {
    (False, True, True): (0.0, 3.56, -1.85, 0.55, 0.07), (False, True, False): (0.11, 2.61, -2.91, 0.68, 0.07),
    (False, False, True): (0.16, 2.87, -1.03, 0.21, 0.07), (False, False, False): (0.22, 2.35, -2.46, 0.48, 0.07),
    (True, True, True): (0.0, 0.0, -7.48, 0.71, 0.24), (True, True, False): (0.0, 0.0, -7.48, 0.71, 0.24),
    (True, False, True): (0.0, 0.0, -5.78, 0.55, 0.27), (True, False, False): (0.0, 0.0, -5.78, 0.55, 0.27),
}  # fmt: skip

LONG_TERM = (
    "AAA", "AA+", "AA", "AA-", "A+", "A", "A-", "BBB+", "BBB", "BBB-", "BB+", "BB", "BB-", "B+", "B", "B-", "CCC",
)  # fmt: skip  # credit quality steps 1 to 17 of a securitisation; CCC+ and CCC- are CCC, and what is below is 1250 %
SHORT_TERM = ("A-1", "A-2", "A-3")  # credit quality steps 1 to 3
# CRR, article 263, table 2, per cent: senior 1 year, senior 5 years, non-senior (thin) 1 year, non-senior (thin) 5 years
ERBA = (
    (15, 20, 15, 70), (15, 30, 15, 90), (25, 40, 30, 120), (30, 45, 40, 140), (40, 50, 60, 160), (50, 65, 80, 180),
    (60, 70, 120, 210), (75, 90, 170, 260), (90, 105, 220, 310), (120, 140, 330, 420), (140, 160, 470, 580),
    (160, 180, 620, 760), (200, 225, 750, 860), (250, 280, 900, 950), (310, 340, 1050, 1050), (380, 420, 1130, 1130),
    (460, 505, 1250, 1250),
)  # fmt: skip
# CRR, article 264, table 4: the same for securitisations that are simple, transparent and standardised (STS)
ERBA_STS = (
    (10, 10, 15, 40), (10, 15, 15, 55), (15, 20, 15, 70), (15, 25, 25, 80), (20, 30, 35, 95), (30, 40, 60, 135),
    (35, 40, 95, 170), (45, 55, 150, 225), (55, 65, 180, 255), (70, 85, 270, 345), (120, 135, 405, 500),
    (135, 155, 535, 655), (170, 195, 645, 740), (225, 250, 810, 855), (280, 305, 945, 945), (340, 380, 1015, 1015),
    (415, 455, 1250, 1250),
)  # fmt: skip
ERBA_SHORT = (15, 50, 100)  # CRR, article 263, table 1
ERBA_SHORT_STS = (10, 30, 60)  # CRR, article 264, table 3

# CRR, article 122, table 6, per cent by credit quality step 1 to 6 (AAA and AA are step 1), and article 122(2) of the unrated
CORPORATE = (20, 50, 75, 100, 150, 150)
UNRATED_CORPORATE = 100
# CRR, article 122a(3)(c): unrated project finance, (i), (iii) and, where it meets the criteria of high quality, (ii)
PROJECT = {"pre-operational": 130, "operational": 100, "high quality": 80}

Band = tuple[float, tuple[float, ...], tuple[float, ...]]  # from years of duration on, a and b by step, per cent
# Solvency II, article 176(3): bonds and loans, a + b x (duration - start), by credit quality step 0 to 5 (and 6, as 5).
# At step 4 the band from 20 years starts a tenth above where the one before ends, as published.
BONDS: tuple[Band, ...] = (
    (0, (0, 0, 0, 0, 0, 0), (0.9, 1.1, 1.4, 2.5, 4.5, 7.5)),
    (5, (4.5, 5.5, 7.0, 12.5, 22.5, 37.5), (0.5, 0.6, 0.7, 1.5, 2.5, 4.2)),
    (10, (7.0, 8.5, 10.5, 20.0, 35.0, 58.5), (0.5, 0.5, 0.5, 1.0, 1.8, 0.5)),
    (15, (9.5, 11.0, 13.0, 25.0, 44.0, 61.0), (0.5, 0.5, 0.5, 1.0, 0.5, 0.5)),
    (20, (12.0, 13.5, 15.5, 30.0, 46.6, 63.5), (0.5, 0.5, 0.5, 0.5, 0.5, 0.5)),
)
# Solvency II, article 176(4): bonds and loans without a rating and without collateral
UNRATED_BONDS: tuple[Band, ...] = (
    (0, (0,), (3.0,)),
    (5, (15.0,), (1.7,)),
    (10, (23.5,), (1.2,)),
    (20, (35.5,), (0.5,)),
)
# Solvency II, article 178(3): senior STS positions
STS_SENIOR: tuple[Band, ...] = (
    (0, (0, 0, 0, 0, 0, 0), (1.0, 1.2, 1.6, 2.8, 5.6, 9.4)),
    (5, (5.0, 6.0, 8.0, 14.0, 28.0, 47.0), (0.6, 0.7, 0.8, 1.7, 3.1, 5.3)),
    (10, (8.0, 9.5, 12.0, 22.5, 43.5, 73.5), (0.6, 0.5, 0.6, 1.1, 2.2, 0.6)),
    (15, (11.0, 12.0, 15.0, 28.0, 54.5, 76.5), (0.6, 0.5, 0.6, 1.1, 0.6, 0.6)),
    (20, (14.0, 14.5, 18.0, 33.5, 57.5, 79.5), (0.6, 0.5, 0.6, 0.6, 0.6, 0.6)),
)
# Solvency II, article 178(4): non-senior STS positions
STS_NON_SENIOR: tuple[Band, ...] = (
    (0, (0, 0, 0, 0, 0, 0), (2.8, 3.4, 4.6, 7.9, 15.8, 26.7)),
    (5, (14.0, 17.0, 23.0, 39.5, 79.0, 100.0), (1.6, 1.9, 2.3, 4.7, 8.8, 0.0)),
    (10, (22.0, 26.5, 34.5, 63.0, 100.0, 100.0), (1.6, 1.5, 1.6, 3.2, 0.0, 0.0)),
    (15, (30.0, 34.0, 42.5, 79.0, 100.0, 100.0), (1.6, 1.5, 1.6, 3.2, 0.0, 0.0)),
    (20, (38.0, 41.5, 50.5, 95.0, 100.0, 100.0), (1.6, 1.5, 1.6, 1.6, 0.0, 0.0)),
)
# Solvency II, article 178(5): senior STS positions without a rating; those not senior are step 5 of 178(3), says 178(6)
STS_SENIOR_UNRATED: tuple[Band, ...] = (
    (0, (0,), (4.6,)), (5, (23.0,), (2.5,)), (10, (35.5,), (1.8,)), (15, (44.5,), (0.5,)), (20, (47.0,), (0.5,)),
)  # fmt: skip
# Solvency II, article 178(7): re-securitisations, b by credit quality step 0 to 6; article 178(8): every other rated one
RESECURITISATION = (33.0, 40.0, 51.0, 91.0, 100.0, 100.0, 100.0)
SECURITISATION = (12.5, 13.4, 16.6, 19.7, 82.0, 100.0, 100.0)
UNRATED_SECURITISATION = 100.0  # article 178(9)
ARTICLE_178 = (datetime.date(2019, 1, 1), datetime.date(2027, 1, 29))
STEPS = {"AAA": 0, "AA": 1, "A": 2, "BBB": 3, "BB": 4, "B": 5, "CCC": 6}
