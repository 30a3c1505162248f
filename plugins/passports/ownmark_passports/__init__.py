"""Passport watermarks: a second, private set of norms that a secret passport makes out of the released weights.

Shared parts: `slots` finds where passports can sit, `passport` holds the equations, `message` the signature, `keys`
completes a key for a network, `branches` puts private norms beside the public ones and takes them out again,
`embed` trains, `reading` extracts, `forging` forges.
"""
