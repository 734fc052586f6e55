"""Programs to be measured, as the tests want them."""

import os
import sys


class Steady:
    """Says what it is told."""

    def echo(self, value):
        print("to standard output")
        return value

    def threads(self):
        return os.environ["OMP_NUM_THREADS"], os.environ.get("EXTRA")

    def fail(self):
        raise ValueError("no such weights")

    def die(self):
        print("out of luck", file=sys.stderr, flush=True)
        os._exit(7)
