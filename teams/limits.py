"""The named limits of Grove: what one caller, object or team may use. Each is overridden by `GROVE_<NAME>`.

Kept as `settings.GROVE`, so that `settings.GROVE.RESULT_BYTES` is typed and a misspelt name is an error at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from django.core.exceptions import ImproperlyConfigured

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
HOUR_S, DAY_S = 3_600, 86_400


@dataclass(frozen=True)
class Limits:
    """All limits with their defaults. `_S` is seconds, `_MS` milliseconds, `_BYTES` bytes."""

    # Engine: only about speed.
    ENGINE_THREADS: int = 4  # threads of a process that run batches; each holds one connection to Postgres
    BATCH_CALLS: int = 64  # calls in one commit; more gain little and let neighbours wait longer
    BATCH_BUDGET_MS: int = 50  # what has not started by then goes to the next batch
    SLOW_CALL_MS: int = 25  # a command known to take longer runs in a batch of its own
    IMAGE_CACHE_BYTES: int = 256 * MIB  # pages of objects that a process keeps in memory
    READ_AHEAD_PAGES: int = 16  # pages fetched together when an object is read in order

    # Calls: past these a caller is told 413, 422, 429, 503 or 504.
    MAILBOX_CALLS: int = 10_000  # calls that wait in a process, of all teams
    MAILBOX_TEAM_CALLS: int = 4_000  # calls that wait in a process, of one team
    CALL_SECONDS: float = 10.0  # from the arrival of a call to its answer
    RESULT_BYTES: int = 8 * MIB  # an answer as JSON
    ARGUMENT_BYTES: int = 1 * MIB  # the arguments of a call as JSON
    BODY_BYTES: int = 32 * MIB  # what comes with a call over HTTP, where its command takes no large files
    FILE_BYTES: int = 128 * MIB  # one file in an object
    UPLOAD_BYTES: int = 1 * GIB  # what `import` and `sql.import` take
    UPLOADS: int = 4  # bodies larger than BODY_BYTES that a process takes at once; they wait in temporary files
    LARGE_CALL_SECONDS: float = 600.0  # CALL_SECONDS of what takes large files, from when its turn has come
    SOCKET_CALLS: int = 256  # calls of one socket that wait for their answer
    SOCKET_BYTES: int = 16 * MIB  # answers and events that wait for the other side of a socket before it is let go
    SOCKET_SUBSCRIPTIONS: int = 1_000  # objects that one socket listens to
    SUBSCRIBER_QUEUE: int = 1_000  # events that wait for a slow subscriber before it is let go

    # An object.
    OBJECT_BYTES: int = 1 * GIB  # its SQLite file
    SQL_SECONDS: float = 2.0  # one `sql` of a user
    SQL_ROWS: int = 10_000  # rows that one `sql` of a user may answer
    TREE_OBJECTS: int = 1_000_000  # objects of a team

    # Tasks: commands that run outside of an object's lock, each in a process of its own.
    TASK_PROCESSES: int = 16  # that a worker runs at once; a team takes one more only while more are free than it has
    TASK_SECONDS: float = 3_600.0  # the longest that a task may ask for; at its limit it is killed
    TASK_MEMORY_BYTES: int = 1 * GIB  # of data in a task's process
    TASK_WAITING: int = 20_000  # tasks of a team that are not over
    TASK_OUTPUT_BYTES: int = 1 * MIB  # of what a task writes that is kept; what is beyond is shown to watchers only
    TASK_LEASE_S: float = 30.0  # without a sign of life of its worker, after which a task is given to another
    TASK_LOST: int = 3  # workers that may die with a task before it is given up

    # What teams' code asks of other sites.
    HTTP_BYTES: int = 32 * MIB  # an answer, unpacked
    HTTP_SECONDS: float = 600.0  # from the first name to the last byte

    # Browsers: what one host, one for each node, does at once, and what a browser may use. A plan may give a team
    # other figures for BROWSER_TEAM_… and BROWSER_FILE_BYTES.
    BROWSER_COMMANDS: int = 8  # commands of browsers that run at once; a team's as with TASK_PROCESSES
    BROWSER_AWAKE: int = 40  # browsers that are awake; the one unused for longest is put to sleep for another
    BROWSER_TEAM_AWAKE: int = 20  # the same of one team
    BROWSER_TEAM_DAY_S: float = 100 * HOUR_S  # that a team's browsers are awake in a day (UTC), all of them together
    BROWSER_TEAM_DAY_BYTES: int = 20 * GIB  # of files that a team's browsers download in a day (UTC)
    BROWSER_TEAM_BYTES: int = 6 * GIB  # memory that a team's pages say they use; beyond it the largest is closed
    BROWSER_FILE_BYTES: int = 128 * MIB  # one file that a browser downloads or uploads; FILE_BYTES where that is less
    BROWSER_DOWNLOADS: int = 20  # that pages may begin unasked while a command runs; what begins more is closed
    BROWSER_IDLE_S: float = 300.0  # after its last command, a browser is put to sleep
    BROWSER_SAVE_S: float = 20.0  # how often what pages do by themselves is saved while a browser is awake
    BROWSER_ACT_S: float = 10.0  # until what a command names is on the page and can be acted on
    BROWSER_LOAD_S: float = 20.0  # until a page that was asked for is there
    BROWSER_SCRIPT_S: float = 20.0  # one `browser.eval`
    BROWSER_DIALOGS: int = 100  # that pages may ask while a command runs; what asks more is closed
    BROWSER_RECORD_S: float = 600.0  # the longest recording
    BROWSER_MACROS: int = 200  # macros of one object, and as many tracked pages
    BROWSER_PLAY_S: float = 3_600.0  # the longest that a macro may be played
    BROWSER_PLAY_STEPS: int = 2_000  # steps of one play, those of loops each time
    BROWSER_PLAYS: int = 30  # plays of one macro, and changes of one tracked page, that are remembered
    BROWSER_RUN_S: float = 3_600.0  # the longest that a Playwright script of an operator's may run
    BROWSER_RUN_BYTES: int = 2 * GIB  # memory of it and its own Chromium; beyond it, it is ended
    BROWSER_STUCK_S: float = 30.0  # that a page may be busy without answering while no command runs; then it is closed
    BROWSER_TABS: int = 20  # tabs of one browser; one more is closed, and what goes on opening more is, too
    BROWSER_PAGE_BYTES: int = 1 * GIB  # memory of a page's process, which is ended beyond it
    BROWSER_PROFILE_BYTES: int = 16 * MIB  # cookies and storage of all sites, as JSON
    BROWSER_CONNECTIONS: int = 256  # of one browser at once; Chromium itself opens 32, and more for WebSockets
    BROWSER_HOUR_BYTES: int = 8 * GIB  # that one browser moves within an hour, both ways

    # What is due.
    WAKE_LEASE_S: float = 30.0  # what was handed to a worker that never came back is handed out again after this
    WAKE_WINDOW: int = 64  # objects of a team with something due that are handed out at once; a team waits for its own
    WAKE_AT_ONCE: int = 20  # messages or schedules of one object that are worked off before others have their turn

    QUEUE_MESSAGES: int = 100_000  # messages that wait in one object, dead letters not counted
    QUEUE_DEAD: int = 10_000  # dead letters that an object keeps; the oldest go first

    CRON_PLANS: int = 1_000  # schedules and alarms of one object
    CRON_RUNS: int = 200  # runs that are remembered of one schedule

    # How long things are kept. Less loses history, answers or trash sooner.
    HISTORY_BUCKET_S: int = 60  # the time machine knows one version of a page for each such span
    HISTORY_KEEP_S: int = 7 * DAY_S
    ANSWER_KEEP_S: int = 24 * HOUR_S  # the answer under an idempotency key
    TRASH_KEEP_S: int = 30 * DAY_S
    TASK_KEEP_S: int = 7 * DAY_S  # a task that is over, with its result and output
    JOURNAL_KEEP_S: int = 90 * DAY_S
    TEAM_TRASH_KEEP_S: int = 14 * DAY_S  # a deleted team with all of its objects
    CALLER_KEEP_S: float = 1.0  # a grant or token that was taken away works no longer than this, in each process

    # What terminals remember of one person in one team. What is older or more is forgotten, the oldest first.
    TERMINAL_LINES: int = 10_000  # lines of history
    TERMINAL_LINES_KEEP_S: int = 365 * DAY_S
    TERMINAL_LINE_CHARS: int = 10_000  # a longer line is run and not remembered
    TERMINAL_MACROS: int = 500  # macros, and as many aliases
    TERMINAL_MACRO_CHARS: int = 20_000  # a macro, an alias or ~/.groverc
    TERMINAL_SESSIONS: int = 50  # sessions that wait for their reader after a restart

    # People and tokens.
    CALLERS_KEPT: int = 10_000  # people and tokens that a process remembers for CALLER_KEEP_S
    TEAM_PEOPLE: int = 1_000  # members and open invitations of a team
    TEAM_TOKENS: int = 1_000  # tokens of a team that work
    INVITATION_KEEP_S: int = 7 * DAY_S  # how long the link of an invitation works
    TEAM_INVITATIONS_DAILY: int = 100  # e-mails with invitations that a team sends in 24 hours
    VISIT_S: int = 30 * 60  # how long an operator may look at a team as one of its people
    PERSON_TEAMS: int = 100  # teams that one person owns
    PERSON_SSH_KEYS: int = 50  # SSH keys that one person has registered

    # Terminals.
    PERSON_TERMINALS: int = 50  # sessions of one person in one team, in a process
    TEAM_TERMINALS: int = 1_000  # sessions of one team, in a process
    TERMINAL_IDLE_S: int = 8 * HOUR_S  # without a key typed and without a command at work, after which a session ends
    TERMINAL_AWAY_S: int = 10 * 60  # how long a session waits in the process for a reader who went away
    TERMINAL_KEEP_S: int = 7 * DAY_S  # how long what is needed to bring a session back is kept
    TERMINAL_SCROLLBACK_BYTES: int = 256 * KIB  # output of a session that one who comes back sees
    TERMINAL_WINDOW_BYTES: int = 128 * KIB  # output on the way to a reader who has not said that it was seen
    SSH_GRACE_S: int = 30  # from the connection to a successful sign-in
    SSH_FAILURES: int = 20  # refused sign-ins a minute from one address, after which it has to wait

    def __post_init__(self) -> None:
        """Refuse a limit that is not above zero: none of them has a meaning there."""
        for limit in fields(self):
            if not getattr(self, limit.name) > 0:  # also refuses nan
                raise ImproperlyConfigured(f"GROVE_{limit.name} must be above 0.")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Limits":
        """Take each limit from `GROVE_<NAME>`, where set. `1_000` is a number too."""
        chosen: dict[str, int | float] = {}
        for limit in fields(cls):
            text = environment.get(f"GROVE_{limit.name}", "")
            if not text:
                continue
            number = type(limit.default)
            try:
                chosen[limit.name] = number(text)  # type: ignore[misc]
            except ValueError as error:
                wanted = "a whole number" if number is int else "a number"
                raise ImproperlyConfigured(f"GROVE_{limit.name}={text!r} is not {wanted}.") from error
        return cls(**chosen)  # type: ignore[arg-type]
