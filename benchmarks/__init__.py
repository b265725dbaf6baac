"""What the platform costs beside a bare baseline and a peer, measured side by side in one run. Never timed tests."""
