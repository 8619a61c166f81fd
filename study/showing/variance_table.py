"""The table of where success rates' variance comes from."""

from __future__ import annotations

from dataclasses import dataclass

from shopfloor.study.analysis.crossings import Crossing
from shopfloor.study.analysis.statistics import Interval
from shopfloor.study.analysis.variance import FACTORS, Component, Decomposition
from shopfloor.study.showing.pages import table
from shopfloor.study.showing.phrases import count, percent, percent_interval, spread

UNKNOWN = "not known: not varied"


@dataclass(frozen=True)
class VarianceTable:
    """One crossing as text."""

    crossing: Crossing

    @property
    def title(self) -> str:
        """Whose policies they are: bc, 300 demonstrations."""
        crossing = self.crossing
        own = ", ".join(f"{key}={value}" for key, value in crossing.settings.items())
        return f"{crossing.agent}, {count(crossing.volume)} demonstrations" + (f" ({own})" if own else "")

    @property
    def sentence(self) -> str:
        """What came out, without a full stop; or why there is no table."""
        found = self.crossing.variance
        if found is None:
            return f"{self.title}: no table, {self.crossing.refusal}"
        drawn = ", ".join(f"{n} of {name}" for n, name in zip(found.levels, FACTORS, strict=True))
        return (
            f"{self.title}: one policy's true rate lies {spread(found.policy_sd)} around the mean of "
            f"{percent(found.rate)}, and what it shows in {found.episodes} episodes at {found.sites} "
            f"site{'s' * (found.sites > 1)} {spread(found.measured_sd)} (standard deviations; draws: {drawn})"
        )

    def header(self) -> list[str]:
        """Titles of the columns of `rows`."""
        found = self.crossing.variance
        episodes = f" in {found.episodes} episodes" if found else ""
        return ["source", "standard deviation of a trial", "of a policy's variance", f"of a measured rate's{episodes}"]

    def rows(self) -> list[list[str]]:
        """A row a source; none where there is no decomposition."""
        found = self.crossing.variance
        return [] if found is None else [_row(component, found) for component in found.components]

    def markdown(self) -> str:
        """The table for a page."""
        return table(self.header(), self.rows())


def _row(component: Component, found: Decomposition) -> list[str]:
    if component.sd is None:
        return [component.name, UNKNOWN, "", ""]
    shares = [_share(component.of_policy), _share(component.of_measured)]
    return [component.name, spread(component.sd), *shares]


def _share(share: Interval | None) -> str:
    return "" if share is None else percent_interval(share)
