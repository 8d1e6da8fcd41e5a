"""What all tests begin with."""

from __future__ import annotations

import signal

# A shell starts what runs in the background deaf to interrupts, and children inherit that: some tests interrupt theirs.
signal.signal(signal.SIGINT, signal.default_int_handler)
