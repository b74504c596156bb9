"""Fakes of the providers: servers on real sockets that refuse what the real ones refuse."""
