"""How events travel between services: the port (`bus.py`) and its embedded adapter (`valkey.py`)."""
