"""``python -m mlelogit`` is the command line."""

import sys

from mlelogit.cli import main

if __name__ == "__main__":
    sys.exit(main())
