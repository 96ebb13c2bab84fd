"""`python -m multimodal.commands`, for instance behind `accelerate launch -m`."""

import sys

from multimodal.commands.entry import main

if __name__ == "__main__":
    sys.exit(main())
