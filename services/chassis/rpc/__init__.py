"""Everything between a gRPC call and a servicer method. `server.py` holds the one ordered list."""
