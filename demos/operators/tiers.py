"""The tiers of operators that come with the project: what they have in common, and in what they differ."""

from __future__ import annotations

from dataclasses import replace

from shopfloor.demos.operators.aim import Aim, Curve, Overshoot, Seeing, WrongWay
from shopfloor.demos.operators.devices import Device
from shopfloor.demos.operators.habits import Habits
from shopfloor.demos.operators.mistakes import Aborts, Blunders, Detours, MarginalGrasps, Misses, Regrasps
from shopfloor.demos.operators.movement import Shaping
from shopfloor.demos.operators.sessions import Fatigue, Mood, Practice
from shopfloor.demos.operators.timing import EndIdle, Hesitation, Pauses, Reaction, StartIdle
from shopfloor.demos.operators.trembling import MotorNoise, Tremor

LEADER_ARM = Device(1.0, dead_zone=0.016, squeeze=0.35, repeats=0.03, ease=0.3, rereads=0.06)

OKAY = Habits(
    pace=1.06,
    pace_spread=0.05,
    individuality=0.15,
    side=1.0,
    tries=4.0,
    shaping=Shaping(1.0),
    aim=Aim(1.0),
    overshoot=Overshoot(0.2),
    wrong_way=WrongWay(0.02),
    curve=Curve(0.08),
    seeing=Seeing(1.0),
    motor_noise=MotorNoise(0.125),
    tremor=Tremor(0.03),
    reaction=Reaction(1.0),
    pauses=Pauses(1.0),
    start_idle=StartIdle(1.0),
    end_idle=EndIdle(1.0),
    hesitation=Hesitation(0.08),
    misses=Misses(0.04),
    marginal_grasps=MarginalGrasps(0.03),
    regrasps=Regrasps(0.03),
    detours=Detours(0.06),
    blunders=Blunders(0.02),
    aborts=Aborts(0.02),
    practice=Practice(0.13),
    fatigue=Fatigue(0.04),
    mood=Mood(0.2),
    device=LEADER_ARM,
)
BETTER = replace(
    OKAY,
    pace=1.12,
    aim=Aim(0.6),
    overshoot=Overshoot(0.12),
    wrong_way=WrongWay(0.005),
    reaction=Reaction(0.9),
    pauses=Pauses(0.5),
    hesitation=Hesitation(0.04),
    misses=Misses(0.015),
    marginal_grasps=MarginalGrasps(0.01),
    regrasps=Regrasps(0.01),
    detours=Detours(0.02),
    blunders=Blunders(0.01),
    aborts=Aborts(0.01),
)
WORSE = replace(
    OKAY,
    pace=1.0,
    aim=Aim(1.4),
    overshoot=Overshoot(0.35),
    wrong_way=WrongWay(0.04),
    reaction=Reaction(1.15),
    pauses=Pauses(1.25),
    hesitation=Hesitation(0.12),
    misses=Misses(0.08),
    marginal_grasps=MarginalGrasps(0.08),
    regrasps=Regrasps(0.06),
    detours=Detours(0.1),
    blunders=Blunders(0.06),
    aborts=Aborts(0.05),
)

# Kept equal to conf/tier/, which names each value's source
TIERS = {"better": BETTER, "okay": OKAY, "worse": WORSE}
