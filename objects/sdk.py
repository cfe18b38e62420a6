"""All that a kind or a facility may import of Grove."""

from objects.commands.bases import Context, Facility, Kind, check_state, state_keys
from objects.commands.declaring import Task, command, effect_of
from objects.commands.help import HelpPage, help_of, help_of_object
from objects.commands.registry import registry
from objects.commands.spec import Started
from objects.commands.tabs import Asks, Tab
from objects.commands.types import (
    AtLeast,
    AtMost,
    Between,
    Content,
    Download,
    Help,
    Json,
    Length,
    Moment,
    Name,
    ObjectPath,
    Picture,
    RelativePath,
    RestOfLine,
    Seconds,
    Secret,
    Size,
    Unit,
    Upload,
    show_bytes,
    show_seconds,
)
from objects.network.client import Answer, check_url
from objects.network.client import Request as HttpRequest
from objects.network.guard import Unreachable
from objects.storage.database import Limits as SqlLimits
from objects.work.context import Finish, TaskContext, TryAgain
from objects.work.steps import Run, durable
from teams.access import Caller, Role
from teams.problems import (
    BadRequest,
    Conflict,
    NoSuch,
    NotAllowed,
    OutOfTime,
    OverLimit,
    Overloaded,
    Problem,
    TooLarge,
    WrongArgument,
)

__all__ = [
    "Answer",
    "Asks",
    "AtLeast",
    "AtMost",
    "BadRequest",
    "Between",
    "Caller",
    "Conflict",
    "Content",
    "Context",
    "Download",
    "Facility",
    "Finish",
    "Help",
    "HelpPage",
    "HttpRequest",
    "Json",
    "Kind",
    "Length",
    "Moment",
    "Name",
    "NoSuch",
    "NotAllowed",
    "ObjectPath",
    "OutOfTime",
    "OverLimit",
    "Overloaded",
    "Picture",
    "Problem",
    "RelativePath",
    "RestOfLine",
    "Role",
    "Run",
    "Seconds",
    "Secret",
    "Size",
    "SqlLimits",
    "Started",
    "Tab",
    "Task",
    "TaskContext",
    "TooLarge",
    "TryAgain",
    "Unit",
    "Unreachable",
    "Upload",
    "WrongArgument",
    "check_state",
    "check_url",
    "command",
    "durable",
    "effect_of",
    "help_of",
    "help_of_object",
    "registry",
    "show_bytes",
    "show_seconds",
    "state_keys",
]
