"""What is claimed about speed, memory and accuracy, runnable by anyone (``docs/benchmarks.md``)."""

import os

# Libraries of linear algebra start their threads when they are imported, and these would spin on
# the one core that is measured: dlib's OpenBLAS halves the speed of everything else.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
