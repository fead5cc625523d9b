"""``python3 runner …``: first with the system's Python, then again with the one in .venv."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from runner.commands import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
