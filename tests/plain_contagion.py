"""Threshold contagion as loops over plain floats: the oracle of the arrays, and what they are measured against."""

from math import exp


def plain_thresholds(values, depth, capital, minimum, target, flow, marked, direct, rounds):
    """One scenario; every asset can be sold, weights are 1.

    Returns what reached capital and what own sales cost, by round and institution, what each one's sales caused, and prices.
    """
    N, K = len(values), len(depth)
    left, price = [1.0] * N, [1.0] * K
    capital = [capital[n] - direct[n] for n in range(N)]
    last = [max(direct[n], 0.0) for n in range(N)]
    hidden = [0.0] * N
    losses, owns, caused = [], [], [0.0] * N
    for _ in range(rounds):
        off, share = [0.0] * N, [0.0] * N
        redeemed = [0.0] * N
        for n in range(N):
            value = 0.0
            for k in range(K):
                value += left[n] * price[k] * values[n][k]
            if capital[n] <= 0.0:
                part = 1.0
            elif capital[n] >= minimum[n] * value:
                part = 0.0
            else:
                part = min(max(1.0 - capital[n] / target[n] / value, 0.0), 1.0)
            if flow[n] > 0.0 and capital[n] > 0.0:
                redeemed[n] = min(flow[n] * last[n] / (capital[n] + last[n]), 1.0) * capital[n]
                part = min(part + redeemed[n] / value, 1.0)
                redeemed[n] = min(redeemed[n], part * value)
            off[n], share[n] = left[n] * part, part
        fell, sold, lost = [0.0] * K, [0.0] * K, [0.0] * K
        for k in range(K):
            for n in range(N):
                sold[k] += off[n] * price[k] * values[n][k]
            fell[k] = 1.0 - exp(-sold[k] / depth[k])
        seen, own = [0.0] * N, [0.0] * N
        for n in range(N):
            seen[n] = share[n] * hidden[n]
            hidden[n] *= 1.0 - share[n]
            for k in range(K):
                drop = price[k] * fell[k] * values[n][k]
                hidden[n] += (1.0 - marked[n]) * (left[n] - off[n]) * drop
                seen[n] += marked[n] * (left[n] - off[n]) * drop + 0.5 * off[n] * drop
                whole = (left[n] - 0.5 * off[n]) * drop
                lost[k] += whole
                if sold[k] > 0.0:
                    own[n] += whole * off[n] * price[k] * values[n][k] / sold[k]
        for n in range(N):
            for k in range(K):
                if sold[k] > 0.0:
                    caused[n] += lost[k] * off[n] * price[k] * values[n][k] / sold[k]
        for k in range(K):
            price[k] *= 1.0 - fell[k]
        for n in range(N):
            capital[n] -= seen[n] + redeemed[n]
            left[n] -= off[n]
            last[n] = seen[n]
        losses.append(seen)
        owns.append(own)
    return losses, owns, caused, price
