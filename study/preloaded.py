"""What every cell needs, imported and read once in the process that cells' own processes are forked from."""

import shopfloor.agents.bc
import shopfloor.agents.knn
import shopfloor.study.commands  # noqa: F401
from shopfloor.fingerprint import read_imported

read_imported()
