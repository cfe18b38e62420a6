"""The keys of an editor: made once, shared by all."""

from functools import cache

from prompt_toolkit.application.current import get_app
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.key_binding import KeyBindings, KeyBindingsBase, merge_key_bindings
from prompt_toolkit.key_binding.bindings.auto_suggest import load_auto_suggest_bindings
from prompt_toolkit.key_binding.defaults import load_key_bindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent


@cache
def default_bindings() -> KeyBindingsBase:
    """Give prompt_toolkit's own keys: 250 KB and 30 ms an application, if each had its own."""
    return load_key_bindings()


@cache
def bindings() -> KeyBindingsBase:
    """Give the keys of a line on top of them."""
    keys = KeyBindings()
    at_line = has_focus(DEFAULT_BUFFER)

    @keys.add("enter", filter=at_line)
    def _(event: KeyPressEvent) -> None:
        event.app.__dict__["editor"].enter()

    @keys.add("escape", "enter", filter=at_line)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add("tab", filter=at_line)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None:
            buffer.complete_next()
        else:
            buffer.start_completion(insert_common_part=True)

    @keys.add("s-tab", filter=at_line)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.complete_previous()

    @keys.add("c-c")
    @keys.add("<sigint>")
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt, style="class:aborting")

    @keys.add("c-d", filter=at_line & Condition(lambda: not get_app().current_buffer.text))
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=EOFError, style="class:exiting")

    return merge_key_bindings([load_auto_suggest_bindings(), keys])
