"""Who people are and which organizations they belong to.

Owns users, organizations and memberships. Publishes `user.v1.*`; reads `auth.v1.account_created`.
Calls auth (GetAccount) for somebody whose account it has not heard of yet; auth calls it (ResolveMembership) for tokens.
"""
