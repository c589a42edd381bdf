import sys
from pathlib import Path

# Tests of one folder share how they write configurations; folders of tests are no packages.
sys.path.insert(0, str(Path(__file__).parent))
