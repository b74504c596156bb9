"""A complete Waxwing of real processes for tests: started once, hurt at will, always stopped.

system.py       the servers and the supervised programs, and how to kill each of them
environment.py  the variables of its programs
supervise.py    the process that keeps the programs running, as `make run` does
people.py       who is there from the beginning
rest.py         a person at the API, and an operator in the admin
sockets.py      a person at the socket: applies events, confirms them, comes back where it was
canary.py       where a planted word is found: tables, Redis, files
"""
