"""The engine against a model in plain Python: two engines, several objects, commands by chance.

Whatever the order of calls, refusals, nested calls, repeated keys, moves, copies, deletions and restorations, and
whichever engine runs which: answers and balances are those of the model.
"""

import itertools
import os
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from objects.engine.calls import Outcome
from tests.grove import Grove

EXAMPLES = int(os.environ.get("GROVE_CHAOS_EXAMPLES", "12"))
STEPS = 40
NAMES = ("a", "b", "c", "d", "e")
names = st.sampled_from(NAMES)
sides = st.sampled_from((0, 1))
amounts = st.integers(1, 9)
numbers = itertools.count(1)


@dataclass
class Purse:
    """What the model knows of one purse. answers: by key, what was asked and what was answered."""

    balance: int = 0
    answers: dict[str, tuple[Any, int]] = field(default_factory=dict)


class Bank(RuleBasedStateMachine):
    """grove: set by the test; other: the second engine."""

    grove: Grove
    other: Grove

    @initialize()
    def open(self) -> None:
        self.home = f"{self.grove.home}/bank-{next(numbers)}"
        self.live: dict[str, Purse] = {}
        self.trash: dict[int, tuple[str, Purse]] = {}
        self.grove.outcome(self.home, "state.list", create="object", check=True)

    def call(self, side: int, name: str, command: str, arguments: dict[str, Any], **options: Any) -> Outcome:
        grove = (self.grove, self.other)[side]
        return grove.outcome(f"{self.home}/{name}" if name else self.home, command, arguments, **options)

    @rule(side=sides, name=names, amount=amounts)
    def put_in(self, side: int, name: str, amount: int) -> None:
        """Also makes it, where there is none and none moved away."""
        outcome = self.call(side, name, "put_in", {"amount": amount}, create="purse")
        if outcome.problem is not None:
            assert (outcome.problem.type, name in self.live) == ("moved", False)
            return
        purse = self.live.setdefault(name, Purse())
        purse.balance += amount
        assert outcome.value == purse.balance

    @rule(side=sides, name=names, amount=amounts)
    def take_out(self, side: int, name: str, amount: int) -> None:
        outcome = self.call(side, name, "take_out", {"amount": amount})
        purse = self.live.get(name)
        if purse is None:
            assert outcome.problem.type in ("no-such", "moved")
        elif purse.balance < amount:
            assert outcome.problem.detail == f"{amount} is more than there is."
        else:
            purse.balance -= amount
            assert outcome.value == purse.balance

    @rule(side=sides, name=names, amount=amounts, key=st.sampled_from(("k1", "k2", "k3")))
    def put_in_under_a_key(self, side: int, name: str, amount: int, key: str) -> None:
        purse = self.live.get(name)
        outcome = self.call(side, name, "put_in", {"amount": amount}, key=key)
        if purse is None:
            assert outcome.problem.type in ("no-such", "moved")
        elif key not in purse.answers:
            purse.balance += amount
            purse.answers[key] = (amount, purse.balance)
            assert (outcome.value, outcome.replayed) == (purse.balance, False)
        elif purse.answers[key][0] == amount:
            assert (outcome.value, outcome.replayed) == (purse.answers[key][1], True)
        else:
            assert outcome.problem.field == "key"

    @rule(side=sides, payer=names, payee=names, amount=amounts)
    def pay(self, side: int, payer: str, payee: str, amount: int) -> None:
        outcome = self.call(side, payer, "pay", {"to": f"{self.home}/{payee}", "amount": amount})
        giver, taker = self.live.get(payer), self.live.get(payee)
        if giver is None or taker is None or giver is taker or giver.balance < amount:
            assert outcome.problem is not None
            return
        giver.balance -= amount
        taker.balance += amount
        assert outcome.value == giver.balance

    @rule(side=sides, name=names)
    def stumble(self, side: int, name: str) -> None:
        outcome = self.call(side, name, "stumble", {})
        assert outcome.problem.type in (("fault",) if name in self.live else ("no-such", "moved"))

    @rule(side=sides, name=names, to=names)
    def move(self, side: int, name: str, to: str) -> None:
        outcome = self.call(side, name, "tree.move", {"to": f"{self.home}/{to}"})
        if name not in self.live or to in self.live:
            assert outcome.problem is not None
            return
        assert outcome.problem is None
        self.live[to] = self.live.pop(name)

    @rule(side=sides, name=names, to=names)
    def copy(self, side: int, name: str, to: str) -> None:
        outcome = self.call(side, name, "tree.copy", {"to": f"{self.home}/{to}"})
        if name not in self.live or to in self.live:
            assert outcome.problem is not None
            return
        assert outcome.problem is None
        self.live[to] = Purse(self.live[name].balance)

    @rule(side=sides, name=names)
    def delete(self, side: int, name: str) -> None:
        outcome = self.call(side, name, "tree.delete", {}, confirmed=True)
        if name not in self.live:
            assert outcome.problem is not None
            return
        self.trash[outcome.value["number"]] = (name, self.live.pop(name))

    @precondition(lambda self: self.trash)
    @rule(side=sides, data=st.data())
    def restore(self, side: int, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.trash)))
        name, purse = self.trash[number]
        outcome = self.call(side, "", "tree.restore", {"what": str(number)})
        if name in self.live:
            assert outcome.problem is not None
            return
        assert outcome.problem is None, outcome.problem.detail
        self.live[name] = purse
        del self.trash[number]

    @invariant()
    def both_engines_know_what_the_model_knows(self) -> None:
        for name in NAMES:
            told = [self.call(side, name, "balance", {}) for side in (0, 1)]
            wanted = self.live[name].balance if name in self.live else None
            assert [outcome.value for outcome in told] == [wanted, wanted]


def test_two_engines_and_a_model_agree_on_whatever_is_done_to_a_few_objects(grove, purses, fresh_engine):
    Bank.grove, Bank.other = grove, grove.through(fresh_engine)

    run_state_machine_as_test(
        Bank,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
