"""The programs Trellis runs but did not write: how each is prepared, started and asked whether it is ready.

Nothing here knows the supervisor: tests and benchmarks start single engines with `process.running`.
"""
