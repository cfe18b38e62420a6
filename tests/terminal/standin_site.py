"""Grove as an ASGI application whose terminals have the stand-in for the shell."""

from config.asgi import application
from tests.terminal import standin

standin.use()
__all__ = ["application"]
