"""The tables that the tests' own jobs write to: nothing in them is unique, so that doubles show."""

import psycopg

TABLES = """
    create table if not exists effects (run uuid, step text);
    create table if not exists calls (key text);
    create table if not exists accepted (key text primary key);
    create table if not exists drains (
        name text, id text, root text, parent text, args text, result text,
        at timestamptz default clock_timestamp());
    truncate effects, calls, accepted, drains, jobs, job_attempts, lane_controls, queue_minutes,
        scheduled_runs, workers"""


def create(server: psycopg.Connection) -> None:
    """Make the tables, empty."""
    server.execute(TABLES)
