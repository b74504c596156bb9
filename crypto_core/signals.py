"""What happens to keys, sent inside the transaction in which it happens.

Every signal says `scope` (suite.Scope), `key_id` and `reason`. A receiver may seal and make MACs:
the keys that it needs stand before the signal is sent.
"""

from django.dispatch import Signal

key_created = Signal()  # the first key of its scope
key_rotated = Signal()  # a new key seals for its scope from now on; earlier ones still open
key_retired = Signal()  # it seals no more; the next use of its scope makes another
key_destroyed = Signal()  # the material is gone
