"""`python killed_step.py OPERATION NAME COUNT -- step …`: the runtime, killed with SIGKILL when it has done so much.

OPERATION is a method of `Bucket`, NAME a part of the object's name; the COUNTth such call is carried out, and the
process dies before it returns. COUNT 0 dies just before the first.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from mlsystem_runtime.__main__ import main
from mlsystem_runtime.contract.bucket import Bucket


def killed(operation: str, part: str, count: int) -> None:
    carry_out, calls = getattr(Bucket, operation), 0

    def counted(bucket: Bucket, *arguments: Any, **options: Any) -> Any:
        nonlocal calls
        if not any(part in str(one) for one in arguments):
            return carry_out(bucket, *arguments, **options)
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        result = carry_out(bucket, *arguments, **options)
        calls += 1
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(Bucket, operation, counted)


if __name__ == "__main__":
    killed(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    sys.exit(main(sys.argv[5:]))
