"""What replicas can answer at best, as if requests were a liquid: where that is too little nothing has to be simulated.

Requests that come one by one, and answers that take now more and now less time, only make it less: from the beginning
of an overload to its end no fewer are lost than come beyond what is answered meanwhile and can wait at its end, and the
mean of what is above 0 of that is no less than that of the means.
"""

from __future__ import annotations

import numpy as np

from mlsystem.capacity.traffic import Floats


def answered_at_most(rates: Floats, most: Floats, patience: float, since: int = 0) -> float:
    """Of the requests that come from second `since` on, the share that can be answered within `patience` seconds.

    In second s come `rates[s]` requests, and at best `most[s]` are answered. 1 where none come.
    """
    waiting, lost = 0.0, np.zeros(len(rates))
    for second, (rate, taken) in enumerate(zip(rates.tolist(), most.tolist(), strict=True)):
        left = max(0.0, waiting + rate - taken)
        waiting = min(left, taken * patience)
        lost[second] = left - waiting
    came = float(rates[since:].sum())
    return 1.0 - float(lost[since:].sum()) / came if came > 0.0 else 1.0
