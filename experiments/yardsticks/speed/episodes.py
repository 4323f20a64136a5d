"""When a run counts as good: shared by both sides of cold_start.py."""


def mean_of_last(iterations):
    """Mean return of the last 100 episodes or, in whole iterations, a few more; 0 before there are so many.

    `iterations` has the sum of returns and the number of the episodes that ended in each, in order.
    """
    total, count = 0.0, 0
    for returns, number in reversed(iterations):
        total, count = total + returns, count + number
        if count >= 100:
            return total / count
    return 0.0
