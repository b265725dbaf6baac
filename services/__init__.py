"""Trellis's services. `trellis.*` is generated from `proto/`; everything under `services.*` is written by hand."""
