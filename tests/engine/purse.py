"""A kind for the engine's tests: money that must neither appear nor vanish."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from objects.sdk import AtLeast, Conflict, Kind, command

Amount = Annotated[int, AtLeast(1)]

interludes: dict[str, Callable[[], object]] = {}  # what happens elsewhere while a purse is at work, by name, once


@dataclass
class State:
    """What a purse remembers."""

    balance: int = 0


class Purse(Kind[State]):
    """Holds money and pays it to other purses."""

    @command
    def put_in(self, amount: Amount) -> int:
        """Add money and give the balance."""
        self.state.balance += amount
        self.emit("balance", self.state.balance)
        return self.state.balance

    @command
    def take_out(self, amount: Amount) -> int:
        """Take money and give the balance."""
        self.state.balance -= amount  # first, so that a refusal has something to undo
        self.emit("balance", self.state.balance)
        if self.state.balance < 0:
            raise Conflict(f"{amount} is more than there is.")
        return self.state.balance

    @command(reads=True)
    def balance(self) -> int:
        """Count the money."""
        return self.state.balance

    @command
    def pay(self, to: str, amount: Amount) -> int:
        """Pay to another purse, or not at all."""
        self.call(to, "put_in", amount=amount)
        return self.take_out(amount)

    @command
    def pay_slowly(self, to: str, amount: Amount, seconds: float) -> int:
        """Pay to another purse and take long before it is done, with both locked."""
        self.call(to, "put_in", amount=amount)
        time.sleep(seconds)
        return self.take_out(amount)

    @command
    def put_in_after(self, interlude: str, amount: Amount) -> int:
        """Add money, with something happening meanwhile."""
        before = self.state.balance
        interludes.pop(interlude, int)()
        self.state.balance = before + amount
        return self.state.balance

    @command(large=True)
    def pay_after_long_thought(self, to: str, amount: Amount, seconds: float) -> int:
        """Pay as one who may take long, with a pause after the first word to Postgres."""
        return self.pay_slowly(to, amount, seconds)

    @command
    def pay_if_possible(self, to: str, amount: Amount) -> str:
        """Let another purse pay us; say how that went."""
        try:
            self.call(to, "pay", to=self.path + "/box", amount=amount)
        except Conflict as refusal:
            self.state.balance += 1
            return refusal.detail
        return "paid"

    @command(reads=True)
    def wrongly_reads(self) -> int:
        """Say that it reads, and write."""
        self.context.db.run("CREATE TABLE oops (x)")
        return 1

    @command(reads=True)
    def total(self, *others: str) -> int:
        """Add up several purses as they are at one moment."""
        return self.state.balance + sum(self.call(other, "balance") for other in others)

    @command
    def dream(self, seconds: float) -> float:
        """Take long, by the wall clock."""
        time.sleep(seconds)
        return seconds

    @command
    def stumble(self) -> int:
        """Change something and fail by a fault of ours."""
        self.state.balance = 1_000_000
        self.context.db.run("CREATE TABLE oops (x)")
        return 1 // 0

    @command
    def leave(self) -> int:
        """End the process, as far as code can."""
        self.state.balance = 1_000_000
        raise SystemExit(1)

    @command(reads=True)
    def moment(self) -> list[float]:
        """Tell the time and a number by chance, as Python and SQLite see them."""
        (row,) = self.sql("SELECT unixepoch('subsec'), random()")
        return [self.now, float(row[0]), self.random.random(), float(row[1])]
