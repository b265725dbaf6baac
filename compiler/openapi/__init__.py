"""The REST face of the contract as an OpenAPI 3.1 document, and whether a new one keeps the promises of an old one.

`document` is the whole, `operations` one RPC by one binding, `paths` how a template becomes a path with parameters,
`schemas` messages as JSON, `scalars` single values with their rules, `examples` what they may look like, `failures` how
calls fail. `compare` knows nothing of the contract: it reads two documents.
"""
