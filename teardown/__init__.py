"""The end of a lab: what bears its tag or its name is found, stopped, deleted, and looked for again.

It runs in the account, when the lab's lease ends, and in `./lab down`; so it asks AWS through clients that it is given.
"""
