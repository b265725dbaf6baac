"""Who you are and what you may do.

Owns sign-ups, accounts, sessions and the keys that sign tokens. Publishes `auth.v1.*`; reads its own mail requests, and what
user says of accounts and asks of personal data.
Calls user (ResolveMembership) for the organization a token is to name.
"""
