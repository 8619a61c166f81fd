"""The tables of how and where policies fail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shopfloor.study.analysis.failing import Failed, Failing, Measure
from shopfloor.study.showing.phrases import count, p_value, percent, percent_interval

TRIALS = "of all episodes"


@dataclass(frozen=True)
class FailingTables:
    """The failures of one agent at one volume as text."""

    failing: Failing

    @property
    def sentence(self) -> str:
        """How many episodes failed and whether sites differ, without a full stop."""
        found, sites = self.failing, self.failing.sites
        failed = f"{count(found.failures)} of {count(found.trials)} episodes failed"
        if sites.p_value is None or sites.sd is None:
            return failed
        return (
            f"{failed}; true rates of sites differ by about {percent(sites.sd)[:-2]} points (standard deviation; "
            f"p {_equals(sites.p_value)} that they are all equal)"
        )

    def ends_header(self) -> list[str]:
        """Titles of the columns of `ends`."""
        return ["ended by", "episodes", TRIALS]

    def ends(self) -> list[list[str]]:
        """How failed episodes ended, most frequent first."""
        return _kinds(self.failing.ends)

    def stages_header(self) -> list[str]:
        """Titles of the columns of `stages`."""
        return ["failed after", "episodes", TRIALS]

    def stages(self) -> list[list[str]]:
        """The furthest stage of failed episodes, in the task's order."""
        return _kinds(self.failing.stages)

    def sites_header(self) -> list[str]:
        """Titles of the columns of `sites`."""
        return ["site", "successes", "success rate"]

    def sites(self) -> list[list[str]]:
        """What came out at every site, worst first."""
        return [
            [str(site.site), f"{count(site.successes)} of {count(site.trials)}", percent_interval(site.rate)]
            for site in self.failing.sites.worst_first
        ]

    def measures_header(self) -> list[str]:
        """Titles of the columns of `measures`."""
        return ["mean", "of successes", "of failures"]

    def measures(self) -> list[list[str]]:
        """Means of the task's measures."""
        return [
            [_named(measure), _figure(measure.over_successes), _figure(measure.over_failures)]
            for measure in self.failing.measures
        ]


def _kinds(kinds: Iterable[Failed]) -> list[list[str]]:
    return [[kind.name, count(kind.count), percent_interval(kind.rate)] for kind in kinds]


def _named(measure: Measure) -> str:
    name = measure.name.replace("_", " ")
    return name if measure.unit == "1" else f"{name} [{measure.unit}]"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _equals(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"
