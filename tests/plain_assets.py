"""The same in plain Python: loops over loans, over obligors, and the obvious matrices."""

import math
import statistics


def loan_loop(balances, rates, terms, prepaid, defaulted, severity, periods):
    """Interest, principal, prepayments, recoveries and balance by month of level-pay loans, one at a time; SIFMA order."""
    totals = [[0.0] * periods for _ in range(5)]
    interest, principal, prepayments, recoveries, left = totals
    for balance, rate, term in zip(balances, rates, terms, strict=True):
        i = rate / 12.0
        due = balance * i / (1.0 - (1.0 + i) ** -term)
        scheduled, alive = balance, 1.0
        for month in range(min(term, periods)):
            d, v = defaulted[month], prepaid[month]
            paid = scheduled * i
            after = scheduled - (due - paid) if month < term - 1 else 0.0
            interest[month] += alive * (1.0 - d) * paid
            principal[month] += alive * (1.0 - d) * (scheduled - after)
            prepayments[month] += alive * v * after
            recoveries[month] += alive * d * scheduled * (1.0 - severity)
            alive *= 1.0 - d - v
            left[month] += alive * after
            scheduled = after
    return totals


def philox(counter, seed):
    """Philox4x32-10 as its authors describe it."""
    c0, c1, c2, c3 = counter
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & 0xFFFFFFFF, (p0 >> 32) ^ c3 ^ k1, p0 & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def keyed(seed, path, stream, size):
    """Uniforms that depend on seed, path and place alone."""
    for block in range((size + 3) // 4):
        for word in philox((block, path & 0xFFFFFFFF, path >> 32, stream), seed):
            yield (word + 0.5) * 2.0**-32


def default_loop(hazards, asset_correlation, horizon, factors, uniforms):
    """Years to default by path and obligor, in the words of the textbook: `uniforms` of each path are drawn as needed."""
    normal = statistics.NormalDist()
    common, own = math.sqrt(asset_correlation), math.sqrt(1.0 - asset_correlation)
    found = []
    for path, factor in enumerate(factors):
        row = []
        for hazard, u in zip(hazards, uniforms(path), strict=False):
            latent = common * factor + own * normal.inv_cdf(u)
            years = -math.log(1.0 - normal.cdf(latent)) / hazard
            row.append(years if years <= horizon else math.inf)
        found.append(row)
    return found


def default_matrices(hazards, asset_correlation, horizon, paths, seed):
    """The same with SciPy, a matrix at a time."""
    import numpy as np
    from scipy.stats import norm

    draw = np.random.default_rng(seed)
    factor, own = norm.ppf(draw.random((paths, 1))), norm.ppf(draw.random((paths, len(hazards))))
    latent = math.sqrt(asset_correlation) * factor + math.sqrt(1.0 - asset_correlation) * own
    years = -np.log(1.0 - norm.cdf(latent)) / np.asarray(hazards)
    return np.where(years <= horizon, years, np.inf)
