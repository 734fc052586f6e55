"""nextword beside other programs, on the same weights, on one machine: `python -m benchmarks`."""
