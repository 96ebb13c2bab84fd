"""Lets the tests of this folder import `evaluation_reference`, whatever pytest's import mode."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
