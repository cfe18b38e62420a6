r"""Read a text into a tree.

Words are parted by spaces. In 'single quotes' all is as it stands; in "double quotes" `$` and a backslash before
`"`, `\`, `$` mean something; outside, a backslash keeps any character. What begins a word with { or [ and is JSON is
one word; `{` before a space begins a block. Some commands take the rest of the line as it was typed: see `Rest`.
"""

import json
import re
from collections.abc import Sequence

from teams.problems import BadRequest
from terminal.language.rests import MOST_WORDS_OF_A_COMMAND, Rest, Rules, is_at_rest, ruled_by
from terminal.language.tree import (
    Assignment,
    Block,
    Chain,
    Command,
    HereDocument,
    Part,
    Pipeline,
    Raw,
    Redirection,
    Script,
    Substitution,
    Text,
    Variable,
    Word,
)

LONGEST_TEXT = 1_000_000  # characters; longer things are files
DEEPEST = 32  # $( … ) and { … } inside each other
MOST_FAILED_JSON = 16  # words that begin like JSON and are none; each costs reading ahead, later ones are plain words

_ENDS = frozenset(" \t\r\n|&;<>")
_BRACED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*(?:\.[^{}$\s\"'.]+)*|[?@#]|[0-9]{1,4})\}")
_NAMED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[?@#]|[0-9]")
_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?=[\s|&;<>)]|$)")
_DECODER = json.JSONDecoder()


class Unfinished(BadRequest):
    """A text that more lines would complete: an open quote, a `|` at the end, a here-document that has no end yet."""


def parse(text: str, rules: Rules | None = None, *, tolerant: bool = False) -> Script:
    """Read a text into a tree.

    rules: which commands take the rest of a line; a text means something else where they differ.
    tolerant: for a text that is still being typed: what is open ends with the text, a missing command is one without
    words, and nothing is raised.
    Raises Unfinished or BadRequest with `column`, counted from 1.
    """
    if len(text) > LONGEST_TEXT:
        if tolerant:
            return Script((), start=0, end=len(text))
        raise BadRequest(
            f"the line has {len(text):,} characters; at most {LONGEST_TEXT:,} are read. Send a file.", column=1
        )
    if not tolerant and (nul := text.find("\0")) >= 0:
        raise BadRequest("the line holds a NUL character, which text cannot. Leave it out.", column=nul + 1)
    parser = _Parser(text, rules or {}, tolerant=tolerant)
    return parser.script("")


class _Parser:
    """One text on its way to a tree. `at` is where it is read; `end` where that stops."""

    def __init__(self, text: str, rules: Rules, *, tolerant: bool) -> None:
        self.text = text
        self.rules = rules
        self.tolerant = tolerant
        self.at = 0
        self.end = len(text)
        self.depth = 0
        self.json_tries_left = MOST_FAILED_JSON
        self.documents: list[tuple[HereDocument, str, bool]] = []  # delimiter; whether it is taken as it stands

    # ---- What is asked of the text ----

    def peek(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.text[at] if at < self.end else ""

    def starts(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at, self.end)

    def unfinished(self, message: str, at: int) -> None:
        if not self.tolerant:
            raise Unfinished(message, column=min(at, len(self.text)) + 1)

    def wrong(self, message: str, at: int) -> None:
        if not self.tolerant:
            raise BadRequest(message, column=min(at, len(self.text)) + 1)

    def skip_space(self) -> None:
        while self.at < self.end:
            char = self.text[self.at]
            if char == "\\" and self.peek(1) == "\n":
                self.at += 2
            elif char.isspace() and char != "\n":
                self.at += 1
            elif char == "#" and (self.at == 0 or self.text[self.at - 1] in _ENDS or self.text[self.at - 1].isspace()):
                while self.at < self.end and self.text[self.at] != "\n":
                    self.at += 1
            else:
                return

    def skip_lines(self) -> None:
        """Skip spaces, comments and line ends; here-documents begin where a line ends."""
        while True:
            self.skip_space()
            if self.peek() != "\n":
                return
            self.line_end()

    def line_end(self) -> None:
        self.at += 1
        waiting, self.documents = self.documents, []
        for number, (document, delimiter, is_literal) in enumerate(waiting):
            if number and self.peek() == "\n":  # the end of the line that ended the one before
                self.at += 1
            body = self.document(document.start, delimiter, is_literal=is_literal)
            # The command with its `<<` was read a line ago; nobody has seen the tree yet.
            object.__setattr__(document, "body", body)

    # ---- Scripts ----

    def script(self, closer: str) -> Script:
        """Read chains up to the closer: "" (the end), ")" or "}"."""
        start, outer = self.at, self.documents
        self.documents = []
        chains: list[Chain] = []
        while True:
            self.skip_lines()
            if self.at >= self.end or self.closes(closer):
                break
            before = self.at
            chain = self.chain(closer)
            if chain is not None:
                chains.append(chain)
            if self.at == before:
                self.at += 1  # only a tolerant parser comes here
        self.no_documents_left(is_closed=self.at < self.end)
        self.documents = outer
        return Script(tuple(chains), start=start, end=self.at)

    def no_documents_left(self, *, is_closed: bool) -> None:
        for document, delimiter, _ in self.documents:
            name = delimiter[:40]
            message = f"the here-document '{name}' has no lines yet: they follow, up to a line '{name}'."
            if is_closed:
                self.wrong(message, document.start)
            self.unfinished(message, document.start)

    def closes(self, closer: str) -> bool:
        if closer == ")":
            return self.peek() == ")"
        if closer == "}":
            after = self.peek(1)
            return self.peek() == "}" and (not after or after in _ENDS or after.isspace() or after in ")}")
        return False

    def chain(self, closer: str) -> Chain | None:
        start = self.at
        first = self.pipeline(closer)
        pipelines, operators = [first], []
        background = False
        while True:
            self.skip_space()
            if self.starts("&&") or self.starts("||"):
                operators.append(self.text[self.at : self.at + 2])
                self.at += 2
                self.skip_lines()
                self.need_command(closer, operators[-1])
                pipelines.append(self.pipeline(closer))
                continue
            break
        end = self.at
        if self.peek() in (";", "&"):
            background = self.peek() == "&"
            self.at += 1
            end = self.at
        empty = not any(command.words or command.assignments for each in pipelines for command in each.commands)
        if empty and not self.tolerant:
            return None
        return Chain(tuple(pipelines), tuple(operators), background, start=start, end=end)

    def need_command(self, closer: str, before: str) -> None:
        if self.at >= self.end:
            self.unfinished(f"'{before}' needs a command after it.", self.end)
        elif self.closes(closer):
            self.wrong(f"'{before}' needs a command after it.", self.at)

    def pipeline(self, closer: str) -> Pipeline:
        start = self.at
        commands = [self.command(closer)]
        while self.peek() == "|" and self.peek(1) != "|":
            self.at += 1
            self.skip_lines()
            self.need_command(closer, "|")
            commands.append(self.command(closer))
        return Pipeline(tuple(commands), start=start, end=self.at)

    # ---- Commands ----

    def command(self, closer: str) -> Command:
        start = self.at
        words: list[Word] = []
        assignments: list[Assignment] = []
        redirections: list[Redirection | HereDocument] = []
        while True:
            self.skip_space()
            char = self.peek()
            if not char or char in "\n|&;" or self.closes(closer):
                break
            if char in "<>":
                redirections.append(self.redirection(closer))
                continue
            rule = self.begins_rest(words) if words else None
            if rule is not None:
                rest = self.rest(closer, rule)
                if rest is not None:
                    words.append(rest)
                    continue
            if not words and (match := _ASSIGNED.match(self.text, self.at, self.end)):
                at = self.at
                self.at = match.end()
                value = self.word(closer, may_be_empty=True)
                assignments.append(Assignment(match[1], value, start=at, end=self.at))
                continue
            words.append(self.word(closer))
        if not words and not assignments:
            self.missing(start, has_redirection=bool(redirections))
        return Command(tuple(words), tuple(assignments), tuple(redirections), start=start, end=self.at)

    def missing(self, start: int, *, has_redirection: bool) -> None:
        if has_redirection:
            self.wrong("a redirection needs a command before it, such as `echo hello > file.txt`.", start)
        char = self.peek()
        if not char:
            if start < self.at or self.tolerant:
                return
            self.unfinished("a command is missing here.", start)
        elif char in "|&;" and not self.tolerant:
            self.wrong(f"'{char}' needs a command before it.", self.at)

    def redirection(self, closer: str) -> Redirection | HereDocument:
        start = self.at
        if self.starts("<<"):
            self.at += 2
            self.skip_space()
            delimiter, is_literal = self.delimiter(closer, start)
            document = HereDocument(Word((), start=self.at, end=self.at), start=start, end=self.at)
            self.documents.append((document, delimiter, is_literal))
            return document
        operator = ">>" if self.starts(">>") else self.peek()
        self.at += len(operator)
        self.skip_space()
        char = self.peek()
        if not char or char in "\n|&;<>" or self.closes(closer):
            self.wrong(f"'{operator}' needs the name of a file after it.", min(self.at, self.end))
            target = Word((), start=self.at, end=self.at)
        else:
            target = self.word(closer)
        return Redirection(operator, target, start=start, end=self.at)

    def delimiter(self, closer: str, start: int) -> tuple[str, bool]:
        char = self.peek()
        if not char or char in "\n|&;<>" or self.closes(closer):
            self.wrong(
                "'<<' needs a word after it, such as <<EOF: the text ends at a line with that word alone.", start
            )
            return "", True
        word = self.word(closer)
        literal = word.literal
        if not literal or "\n" in literal:
            self.wrong("'<<' needs a plain word after it, such as <<EOF.", word.start)
        is_quoted = any(not isinstance(part, Text) or part.quoted for part in word.parts)
        return literal or "", is_quoted

    def document(self, start: int, delimiter: str, *, is_literal: bool) -> Word:
        body_start = at = self.at
        while True:
            line_end = self.text.find("\n", at, self.end)
            line = self.text[at : self.end if line_end < 0 else line_end]
            if line.removesuffix("\r") == delimiter:
                body_end, after = at, (self.end if line_end < 0 else line_end)
                break
            if line_end < 0:
                self.unfinished(
                    f"the here-document '{delimiter[:40]}' is not closed: a line '{delimiter[:40]}' ends it.", start
                )
                body_end = after = self.end
                break
            at = line_end + 1
        parts: list[Part] = []
        if is_literal:
            if body_end > body_start:
                parts.append(Text(self.text[body_start:body_end], True, start=body_start, end=body_end))  # noqa: FBT003
        else:
            outer_end, self.end, self.at = self.end, body_end, body_start
            self.expanded(parts, "")
            self.end = outer_end
        self.at = after
        return Word(tuple(parts), start=body_start, end=body_end)

    # ---- The rest of a line ----

    def begins_rest(self, words: list[Word]) -> Rest | None:
        """Give the rule where what comes next is the rest of a line, as the command that these words begin takes it."""
        ruled = ruled_by(words, self.rules)
        if ruled is None:
            return None
        rule, name, further = ruled
        if not further and name.count(" ") < MOST_WORDS_OF_A_COMMAND - 1:
            longer = _BARE.match(self.text, self.at, self.end)
            if longer and f"{name} {longer[0]}" in self.rules:
                return None
        return rule if is_at_rest(rule, further) and not self.is_flag(further) else None

    def is_flag(self, words: Sequence[Word]) -> bool:
        return self.starts("--") and not any(word.bare == "--" for word in words)

    def rest(self, closer: str, rule: Rest) -> Word | None:
        """Read the rest of a line; None where it is one ordinary word: in quotes, or a variable."""
        start = self.at
        if self.peek() in "'\"$":
            depth, tries, documents = self.depth, self.json_tries_left, list(self.documents)
            tolerant, self.tolerant = self.tolerant, False
            try:
                word = self.word(closer)
                self.skip_space()
                is_alone = self.ends_rest(self.at, closer, rule)
            except BadRequest:
                is_alone = False
            self.at, self.depth, self.json_tries_left = start, depth, tries
            self.documents, self.tolerant = documents, tolerant
            if is_alone and len(word.parts) == 1:
                return None
        at = start
        parens = braces = 0
        while at < self.end and not (parens <= 0 and braces <= 0 and self.ends_rest(at, closer, rule)):
            char = self.text[at]
            if char == "\n" or (self.ends_rest(at, "", rule) and char != ")"):
                break
            if char in "'\"":
                closing = self.text.find(char, at + 1, self.end)
                if closing < 0:
                    self.unfinished(f"column {at + 1}: the quote {char} is not closed.", at)
                    closing = self.end - 1
                at = closing
            elif char == "|":
                at += 1  # the other half of ||, which joins texts in SQL
            parens += (char == "(") - (char == ")")
            braces += (char == "{") - (char == "}")
            at += 1
        at = min(at, self.end)
        text = self.text[start:at].rstrip()
        self.at = at
        end = start + len(text)
        if not text:
            return None
        return Word((Raw(text, start=start, end=end),), start=start, end=end)

    def ends_rest(self, at: int, closer: str, rule: Rest) -> bool:
        if at >= self.end:
            return True
        char = self.text[at]
        after = self.text[at + 1 : at + 2]
        if char in "\n;":
            return True
        if char == "|":
            return after != "|" or not rule.keeps_or
        if char == "&":
            return after == "&" or not self.text[at + 1 : self.end].partition("\n")[0].strip()
        if closer == ")":
            return char == ")"
        if closer == "}":
            is_apart = at == 0 or self.text[at - 1].isspace()
            return char == "}" and is_apart and (not after or after in _ENDS or after.isspace() or after in ")}")
        return False

    # ---- Words ----

    def word(self, closer: str, *, may_be_empty: bool = False) -> Word:
        start = self.at
        parts: list[Part] = []
        if self.peek() in ("{", "["):
            special = self.json_or_block()
            if special is not None:
                return Word((special,), start=start, end=self.at)
        parens = 0
        while self.at < self.end:
            char = self.text[self.at]
            if char in _ENDS or char.isspace():
                break
            if closer == ")":
                if char == ")" and parens == 0:
                    break
                parens += (char == "(") - (char == ")")
            self.piece(char, parts)
        if not parts and not may_be_empty and self.at == start:
            self.wrong("a word is missing here.", start)
        return Word(tuple(parts), start=start, end=self.at)

    def piece(self, char: str, parts: list[Part]) -> None:
        at = self.at
        if char == "\\":
            following = self.peek(1)
            if not following:
                self.unfinished("the line ends with a backslash: it needs a character after it.", at)
            self.at = min(at + 2, self.end)
            if following != "\n":
                _add(parts, following or "\\", at, self.at, quoted=True)
        elif char == "'":
            closing = self.text.find("'", at + 1, self.end)
            if closing < 0:
                self.unfinished(f"column {at + 1}: the quote ' is not closed.", at)
                closing = self.end
            self.at = min(closing + 1, self.end)
            _add(parts, self.text[at + 1 : closing], at, self.at, quoted=True)
        elif char == '"':
            self.at += 1
            before = len(parts)
            _add(parts, "", at, self.at, quoted=True)
            self.expanded(parts, '"')
            if self.at >= self.end:
                self.unfinished(f'column {at + 1}: the quote " is not closed.', at)
            self.at = min(self.at + 1, self.end)
            _tidy(parts, before, self.at)
        elif char == "$" and self.dollar(parts, quoted=False):
            pass
        else:
            self.at += 1
            _add(parts, char, at, self.at, quoted=False)

    def expanded(self, parts: list[Part], closing: str) -> None:
        """Read text with variables, up to a quote, or in a here-document ("") to its end."""
        while self.at < self.end:
            char, at = self.text[self.at], self.at
            if char == closing:
                return
            if char == "\\" and (following := self.peek(1)) and following in f"\\${closing}\n":
                self.at += 2
                if following != "\n":
                    _add(parts, following, at, self.at, quoted=True)
                elif not closing:
                    _add(parts, "\\\n", at, self.at, quoted=True)
            elif char == "$" and self.dollar(parts, quoted=True):
                pass
            else:
                self.at += 1
                _add(parts, char, at, self.at, quoted=True)

    def dollar(self, parts: list[Part], *, quoted: bool) -> bool:
        """Read a variable or a substitution; False where the `$` is just a character."""
        at = self.at
        if self.peek(1) == "(":
            self.at += 2
            script = self.nested(")", at)
            parts.append(Substitution(script, quoted, start=at, end=self.at))
            return True
        match = _BRACED.match(self.text, at + 1, self.end)
        if match:
            self.at = match.end()
            parts.append(Variable(match[1], quoted, start=at, end=self.at))
            return True
        if self.peek(1) == "{":
            self.wrong("'${' needs the name of a variable and a }: ${name}, ${name.key.0}, ${1}.", at)
            return False
        match = _NAMED.match(self.text, at + 1, self.end)
        if match is None:
            return False
        self.at = match.end()
        parts.append(Variable(match[0], quoted, start=at, end=self.at))
        return True

    def nested(self, closer: str, opened_at: int) -> Script:
        self.depth += 1
        if self.depth > DEEPEST:
            self.depth -= 1
            if not self.tolerant:
                raise BadRequest(
                    f"more than {DEEPEST} of $( and {{ are inside each other. Use variables.", column=opened_at + 1
                )
            start, self.at = self.at, self.end
            return Script((), start=start, end=self.end)
        script = self.script(closer)
        self.depth -= 1
        if self.at >= self.end:
            opener = "$(" if closer == ")" else "{"
            self.unfinished(f"column {opened_at + 1}: the {opener} is not closed with {closer}.", opened_at)
        self.at = min(self.at + 1, self.end)
        return script

    def json_or_block(self) -> Part | None:
        at = self.at
        if self.json_tries_left > 0:
            end = _json_end(self.text, at, self.end)
            if end is not None:
                self.at = end
                return Text(self.text[at:end], True, start=at, end=end)  # noqa: FBT003 -- it is as if it were quoted
            self.json_tries_left -= 1
        following = self.peek(1)
        if self.peek() == "{" and (not following or following in _ENDS or following.isspace()):
            self.at += 1
            script = self.nested("}", at)
            return Block(script, start=at, end=self.at)
        return None


def _json_end(text: str, start: int, end: int) -> int | None:
    try:
        _, at = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    if at > end or (at < end and text[at] not in _ENDS and not text[at].isspace() and text[at] not in ")}"):
        return None
    return at


def _add(parts: list[Part], text: str, start: int, end: int, *, quoted: bool) -> None:
    """Add characters; what is alike is joined, so that equal words have equal parts."""
    last = parts[-1] if parts else None
    if isinstance(last, Text) and last.quoted == quoted:
        parts[-1] = Text(last.text + text, quoted, start=last.start, end=end)
    else:
        parts.append(Text(text, quoted, start=start, end=end))


def _tidy(parts: list[Part], before: int, end: int) -> None:
    """Take away the empty text that a double quote began with, where something else is in the quotes."""
    for at in (before, len(parts) - 1):
        if at < len(parts) and len(parts) > 1:
            part = parts[at]
            if isinstance(part, Text) and part.quoted and not part.text and len(parts) - before > 1:
                del parts[at]
    last = parts[-1]
    if isinstance(last, Text):
        parts[-1] = Text(last.text, last.quoted, start=last.start, end=end)
