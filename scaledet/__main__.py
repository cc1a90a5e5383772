"""``python -m scaledet``: the command line of `scaledet.cli`."""

import sys

from scaledet.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
