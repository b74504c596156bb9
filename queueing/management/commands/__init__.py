"""`manage.py queues` and `manage.py jobs`."""
