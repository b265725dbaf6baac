"""`python -m services.user`: one process of the user service."""

from services.chassis.service import run
from services.user.wiring import SERVICE

if __name__ == "__main__":
    run(SERVICE)
