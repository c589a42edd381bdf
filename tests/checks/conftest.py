"""The helper stands beside these tests; importlib mode needs to be told."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
