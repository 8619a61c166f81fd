"""Who chose a frame's action."""

from __future__ import annotations

from enum import IntEnum


class Source(IntEnum):
    """Who chose a frame's action: a dataset's `sources`."""

    OPERATOR = 0
    POLICY = 1
    TAKEOVER = 2  # an operator, in a policy's stead
    REPLAY = 3  # a recording
