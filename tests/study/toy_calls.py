"""What is called in processes of their own, which import it by name."""

import os
import time


def doubled(number):
    return 2 * number


def refused(text):
    raise ValueError(f"got {text},\nwant another")


def unexpected():
    raise KeyError("missing")


def hungry():
    raise MemoryError("250 GiB")


def killed(number):
    os.kill(os.getpid(), number)
    time.sleep(60)


def gone():
    os._exit(7)


def slow(seconds, path):
    time.sleep(seconds)
    path.touch()
