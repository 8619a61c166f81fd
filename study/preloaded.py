"""What every cell needs, imported and read once in the process that cells' own processes are forked from."""

import torch

import shopfloor.agents.bc
import shopfloor.agents.knn
import shopfloor.study.commands  # noqa: F401
from shopfloor.fingerprint import read_imported

torch.optim.AdamW([torch.zeros(1, requires_grad=True)])  # with the first optimiser torch imports for seconds
read_imported()
