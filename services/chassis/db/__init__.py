"""PostgreSQL: statements compiled once, one unit of work, the outbox and its relay, migrations."""
