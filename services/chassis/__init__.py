"""What every service shares; knows no service.

Reading order: `config` (what is set) → `service` (how a process lives) → `rpc/server` (the one list of middleware) →
`errors` (what may go wrong) → `db/session` (one unit of work) → `db/relay` and `bus/` (how events travel).
"""
