"""
``./run bench [--ratings N] [--json FILE]``: make a school, measure, print a table of ratios.

Both sides of a row take turns in the same run on the same PostgreSQL, which syncs to disk as a
real one does. The absolute figures say nothing on another machine; the ratios say something.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--ratings", type=int, default=20_000, help="of the made-up school")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    options = parser.parse_args()

    from runner.throwaway import ThrowAway

    services = ThrowAway(durable=True)
    try:
        os.environ.update(services.start(), DJANGO_SETTINGS_MODULE="config.settings")
        from tests.bench.school import make_school
        from tests.bench.table import print_table

        with tempfile.TemporaryDirectory() as folder:
            school = make_school(Path(folder), ratings=options.ratings)
            from tests.bench import rows

            measured = [measure(school) for measure in rows.ROWS]
        print_table(measured)
        if options.json:
            options.json.write_text(json.dumps([row.as_dict() for row in measured], indent=2))
    finally:
        services.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
