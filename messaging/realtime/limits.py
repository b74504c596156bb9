"""What a socket may do and how long it may take: every number of the socket, with its reason."""

FRAME = 262_144  # bytes of a client's frame; above it the server closes 1009
HELLO = 10.0  # seconds until the first frame must have come
HEARTBEAT = 25.0  # seconds between two pings of ours, each with the heads
POLL = 15.0  # seconds between two looks at the heads: bounds how long a lost last hint stays lost

SOCKETS = 10  # of one person in one process
CONVERSATIONS = 200  # of one socket
REPLAY = 1_000  # events; who is further behind loads over REST
PAGE = 256  # events read from PostgreSQL at a time
SLOW_PAGE = 16  # for readers who take no more between two pauses

FRAMES_PER_SECOND = 500.0  # of a client; a busy room is acknowledged frame by frame
FRAMES_AT_ONCE = 1_000  # before that rate applies

SIGNALS_PER_SECOND = 2.0  # typing and presence, which go out to everybody there
SIGNALS_AT_ONCE = 10
GRACE = 5.0  # seconds in which somebody whose socket ended may come back unnoticed

OUTBOX = 1_048_576  # bytes that wait for a reader; above it the socket is closed (4508)
PACE = 262_144  # bytes above which a replay waits for the reader, and signals are left out
ABORT = 5.0  # seconds that a closing socket has to take what waits for it
CLOGGED = 0.05  # seconds between two looks at a reader that a replay waits for

HINTS = 4_096  # that wait to be written; for others it is only noted that something happened
TURN = 0.005  # seconds of writing before the event loop gets a turn
THREADS = 8  # with a database connection each
READS = 4  # of them at most for catching up, so that commands always find one
ACKS = 0.1  # seconds in which delivered acknowledgements are collected
RETRY = 1.0  # seconds until work that the database refused is tried again
