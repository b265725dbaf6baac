"""What a service keeps of a person: collected for an export, or erased, with an account of what was.

`report.py` says what was erased and kept, `sealed.py` encrypts what travels, `holdings.py` reads and erases tables by what
the contract says of their fields.
"""

from services.chassis.personal_data.ports import PersonalData, Reports
from services.chassis.personal_data.report import (
    EVERYWHERE,
    ErasedRecords,
    ErasureReport,
    KeptRecords,
    PersonalDataCollected,
    PersonalDataErased,
    kept_everywhere,
)

__all__ = [
    "EVERYWHERE",
    "ErasedRecords",
    "ErasureReport",
    "KeptRecords",
    "PersonalData",
    "PersonalDataCollected",
    "PersonalDataErased",
    "Reports",
    "kept_everywhere",
]
