"""The `trellis` command: runs the whole platform on one machine and talks to it.

Reading order: `home` (where everything lives) → `engines/` (how each program is started) → `stack` (what runs together) →
`supervisor` (keeps it running) → `commands/` (what a person types).
"""
