"""Who people are and which organizations they belong to.

Owns users, organizations, memberships and the ways into them: invitations and domains. Publishes `user.v1.*`; reads
`auth.v1.account_created`, its own mail requests, and what services answer to exports and erasures of personal data.
Calls auth (GetAccount) for somebody whose account it has not heard of yet; auth calls it (ResolveMembership) for tokens.
"""
