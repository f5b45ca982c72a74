"""What is measured when conjectures are: a system answers questions, under a name and with a key of all that its answers depend on."""

from __future__ import annotations

from typing import Protocol, TypeVar

Question_contra = TypeVar("Question_contra", contravariant=True)
Answer_co = TypeVar("Answer_co", covariant=True)


class System(Protocol[Question_contra, Answer_co]):
    """Answer questions; `name` stands in tables, and `cache_key` changes with whatever changes an answer."""

    @property
    def name(self) -> str: ...

    @property
    def cache_key(self) -> str: ...

    def answer(self, question: Question_contra) -> Answer_co: ...
