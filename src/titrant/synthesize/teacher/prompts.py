"""What a teacher is asked: who it is, the problem, and the form that its answer must have.

The first part is the study's to change (`instructions`). The last part is not, because answers are read by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from titrant.chat.conversation import Message

INSTRUCTIONS = (
    "You solve small programming problems. Your answer is right for every input that the problem allows, the unusual "
    "ones included: empty, negative, repeated, as large as they may be. You choose the plainest method that is fast "
    "enough and good names. Where the problem leaves something open, you take the simplest reading that agrees with "
    "its examples."
)
"""Said before every problem, unless the study says something else."""

ASKED = {
    "python": (
        "Write the function `{entry_point}` in Python. Give one program in one block fenced with ```python: the "
        "imports and helpers that it needs, and the function. Use the standard library alone. Read no input, print "
        "nothing, and leave out tests and calls of the function."
    ),
    "javascript": (
        "Write the function `{entry_point}` in JavaScript, taking the same arguments in the same order. Give one "
        "program in one block fenced with ```javascript: the helpers that it needs, and the function. Lists and tuples "
        "are arrays, dictionaries are Map objects, sets are Set objects, None is null, numbers are plain numbers. Use "
        "no modules, print nothing, and leave out tests and calls of the function."
    ),
    "text": (
        "Do not write a program. Explain in plain English how `{entry_point}` finds its result: the method step by "
        "step, why it is right, and what happens in the unusual cases. Then close with a line that reads `Worked "
        "examples:` and under it two to four lines such as `{entry_point}(ARGUMENTS) = RESULT`, with arguments of your "
        "own and everything written as Python writes values. Nothing comes after them."
    ),
}
"""What each form of answer is asked for with."""

BEGINNINGS = {
    "python": "The program:\n\n```python\n",
    "javascript": "The program:\n\n```javascript\n",
    "text": "The explanation:\n\n",
}
"""How the answer of a model without a chat template begins: it goes on from there."""
FENCE_END = ("\n```",)
"""Where such a program ends."""


@dataclass(frozen=True)
class Asked:
    """A problem as a teacher is told it."""

    problem: str
    """Its id."""
    statement: str
    entry_point: str
    form: str
    """`python`, another language, or `text`."""

    @property
    def id(self) -> str:
        """Its name in errors, and what the draws of a local model are keyed by."""
        return f"{self.problem}, {self.form}"


@dataclass(frozen=True)
class Answer:
    """What came back, once."""

    reply: str
    """As it came; empty where nothing did."""
    ended: str
    """`stop`, `length`, or why nothing came."""
    tokens_read: int | None
    """None where nobody has counted."""
    tokens_written: int | None
    cost: float
    """NaN where unknown."""
    seed: int = 0
    """What was sent with the request; of a local model, the seed that is declared."""


def question(asked: Asked, instructions: str | None) -> tuple[Message, Message]:
    """The conversation that asks it: a system message and the user's."""
    told = ASKED[asked.form].format(entry_point=asked.entry_point)
    return Message("system", instructions or INSTRUCTIONS), Message("user", f"{asked.statement.strip()}\n\n{told}")


def told(messages: tuple[Message, ...]) -> str:
    """All that was said, as one text: the column `prompt`."""
    return "\n\n".join(message.content for message in messages)
