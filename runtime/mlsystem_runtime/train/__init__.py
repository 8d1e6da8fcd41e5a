"""Training of tabular models with torch."""

import os

# Read when torch is loaded, hence here: waiting threads sleep instead of spinning. On cores shared with others
# (a server, another step) spinning makes training several times slower; alone the difference is within noise.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
