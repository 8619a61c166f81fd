"""The verbs of the `shopfloor` command, one module each; its `main(arguments)` runs it."""

VERBS = {
    "train": "run a cell of a study, or a whole study",
    "collect": "make sure that a dataset of demonstrations is there",
    "inspect": "tell what lies in a dataset, and draw it",
    "export": "write demonstrations in others' formats, or others' in LeRobot's",
    "fidelity": "put demonstrations beside recordings of people",
    "court": "judge scores that say which demonstrations to keep",
    "evaluate": "play a reference or a saved agent on held-out episodes",
    "report": "write a study's report again, from its rows",
    "compare": "compare agents, volumes, rows or studies, and the data they need",
    "replay": "draw held-out episodes, as pictures or films",
    "verify": "run the cells of rows again and compare bit for bit",
    "tasks": "list the tasks, or describe some",
    "scene": "write a task's scene as MJCF, or look at it",
    "calibrate": "count how often forecasts hold where the truth is known",
    "contact_sheet": "draw all tasks in one picture",
    "bench": "measure speed, as ratios to the bare libraries",
}
# Hydra composes their options
COMPOSED = ("train", "collect", "export", "inspect", "fidelity", "court", "evaluate", "replay")
DRAWING = ("replay", "scene", "contact_sheet")
GOING_ON = ("train", "collect", "export", "inspect", "fidelity", "court")  # a second run does what a first one left
