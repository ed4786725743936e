"""Benchmarks that support the claims about speed, memory and accuracy (``docs/benchmarks.md``)."""

import os

# Libraries of linear algebra start their threads on import. These would spin on the core that is
# measured: dlib's OpenBLAS halves the speed of everything else.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
