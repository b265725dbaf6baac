"""`python -m services.auth`: one process of the auth service."""

from services.auth.wiring import SERVICE
from services.chassis.service import run

if __name__ == "__main__":
    run(SERVICE)
