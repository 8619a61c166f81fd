"""Labels: what an imperfect checker writes down of an episode, whether it was a success and which task it was.

Both are faults of recording: strength 0 is the truth, and each has random streams of its own under an episode's key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.randomness import Keys, Purpose, draw, keys
from shopfloor.envs.tasks import TASKS

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]

MISTAKEN_TEXT, REWORDED_TEXT = "mistaken_text", "reworded_text"  # names of these faults in a dataset's truth
OTHER_WORDS = (  # for a task's text as it stands, and with a small first letter and no full stop
    "Please {small}.",
    "Could you {small}?",
    "Your next job: {small}.",
    "{text} Take your time.",
    "{small}",
    "TASK: {text}",
)


def label_keys(seed: int, sites: Numbers, episodes: Numbers) -> Keys:
    """Keys (k, 2) of the labels of episodes (k,) of a seed at sites (k,)."""
    return keys(Purpose.LABELS, seed, sites, episodes)


def _require_shares(fault: object, names: Sequence[str]) -> None:
    for name in names:
        if not 0 <= getattr(fault, name) <= 1:
            raise ValueError(f"{name} {getattr(fault, name)}, want 0 to 1")


@dataclass(frozen=True)
class Checker:
    """Looks at an episode's outcome and says whether it was a success. ValueError on a rate out of 0 to 1.

    false_positives: share of the failures that pass; false_negatives: share of the successes that do not; strength:
    times both. They are knobs: no source is known of the error rates of people or of machines that check.
    """

    false_positives: float = 0.0
    false_negatives: float = 0.0
    strength: float = 1.0

    def __post_init__(self) -> None:
        _require_shares(self, ("false_positives", "false_negatives", "strength"))

    def success(self, key: Keys, outcomes: Mask) -> Mask:
        """Labels (k,) of episodes with keys (k, 2) and true outcomes (k,)."""
        passes = draw(key, "label/false_positive", 1)[:, 0] < self.strength * self.false_positives
        fails = draw(key, "label/false_negative", 1)[:, 0] < self.strength * self.false_negatives
        return np.where(outcomes, ~fails, passes)


EXACT = Checker()


@dataclass(frozen=True)
class Texts:
    """Writes down which task an episode was of. ValueError on a share out of 0 to 1, or on shares above 1 together.

    mistaken: share of the episodes whose text is another task's; reworded: share whose text says the same in other
    words; strength: times both. They are knobs: no source is known.
    """

    mistaken: float = 0.0
    reworded: float = 0.0
    strength: float = 1.0

    def __post_init__(self) -> None:
        _require_shares(self, ("mistaken", "reworded", "strength"))
        if self.mistaken + self.reworded > 1:
            raise ValueError(f"{self.mistaken} mistaken and {self.reworded} reworded, want 1 or less together")

    def faults(self, key: Keys) -> dict[str, Mask]:
        """By name, in which of the episodes with keys (k, 2) each fault is: (k,) bool."""
        share = draw(key, "text/share", 1)[:, 0]
        mistaken = share < self.strength * self.mistaken
        reworded = ~mistaken & (share < self.strength * (self.mistaken + self.reworded))
        return {MISTAKEN_TEXT: mistaken, REWORDED_TEXT: reworded}

    def texts(self, key: Keys, text: str, others: Sequence[str]) -> list[str]:
        """Texts (k,) of episodes with keys (k, 2) of a task with this text, where there are others' texts too.

        ValueError where texts are mistaken and no other one is there.
        """
        others = sorted(set(others) - {text})
        if self.strength * self.mistaken and not others:
            raise ValueError("texts of other tasks: none, want one or more for those that are mistaken")
        which, faults = draw(key, "text/which", 1)[:, 0], self.faults(key)
        mistaken, reworded = faults[MISTAKEN_TEXT], faults[REWORDED_TEXT]
        said = reworded_texts(text)
        chosen = np.full(len(which), text, dtype=object)
        if mistaken.any():
            chosen[mistaken] = np.array(others, dtype=object)[(which[mistaken] * len(others)).astype(np.intp)]
        chosen[reworded] = np.array(said, dtype=object)[(which[reworded] * len(said)).astype(np.intp)]
        return list(chosen)


OWN_TEXT = Texts()


def known_texts() -> list[str]:
    """The texts of all tasks that are registered, sorted."""
    return sorted(task.instruction for task in TASKS.values())


def reworded_texts(text: str) -> list[str]:
    """A task's text in other words, all different from it."""
    small = text[:1].lower() + text[1:].rstrip(". ")
    return [words.format(text=text, small=small) for words in OTHER_WORDS]
