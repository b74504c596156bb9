"""The queues over HTTP: jobs, counters, health, dead letters, and the probes of /live and /ready."""
