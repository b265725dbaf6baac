"""Who did what: each audited call, allowed or refused, becomes an event of its service.

`call.py` says what is told, and carries it to the unit of work, so that effect and event exist together or not at all.
`trail.py` writes what belongs to no effect, off the caller's path and bounded. `messages.py` knows the contract's form.
"""

from services.chassis.audit.call import AuditedCall, RunningCall, current
from services.chassis.audit.trail import Trail

__all__ = ["AuditedCall", "RunningCall", "Trail", "current"]
