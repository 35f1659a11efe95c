"""`python -m spnet`: the command `spnet` where the package is not installed."""

import sys

from spnet.cli import main

if __name__ == "__main__":
    sys.exit(main())
