"""A migration out of what the tables are now and what the migrations so far lead to. Read it before it is committed."""

import importlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from alembic import command  # noqa: E402
from sqlalchemy import create_engine  # noqa: E402

from mesh.migration import MESH, configuration, upgrade  # noqa: E402
from mesh.supervisor.migrate import STORES  # noqa: E402


def main() -> int:
    """Gives the exit code."""
    if len(sys.argv) != 3 or sys.argv[1] not in (*STORES, "mesh"):
        print(f"usage: scripts/migration {'|'.join((*STORES, 'mesh'))} WHAT", file=sys.stderr)
        return 2
    if sys.argv[1] == "mesh":
        schema = MESH
    else:
        _, schema = importlib.import_module(f"{sys.argv[1]}.setup").store(Path("/nowhere"))
    number = f"{int(schema.head) + 1:04}"
    with create_engine("sqlite://").begin() as connection:
        upgrade(connection, schema)
        command.revision(configuration(schema, connection), sys.argv[2], autogenerate=True, rev_id=number)
    (made,) = schema.migrations.glob(f"{number}_*.py")
    made.rename(made.with_name(f"{number}_{re.sub('[^a-z0-9]+', '_', sys.argv[2].lower()).strip('_')}.py"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
