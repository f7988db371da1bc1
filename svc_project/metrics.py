"""What svc_project counts."""

from prometheus_client import Counter, Gauge

SIGN_INS = Counter("rushes_project_sign_ins_total", "Sign-ins by outcome: right, wrong, slowed or busy.", ["outcome"])
WATCHERS = Gauge("rushes_project_watchers", "Streams of WatchAccess that are open.")
CHANGES = Counter("rushes_project_changes_total", "Transactions that changed rights and were told to watchers.")
