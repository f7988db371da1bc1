"""Metrics of svc_media."""

from prometheus_client import Counter, Histogram

BYTES_IN = Counter("rushes_media_bytes_in_total", "Bytes of uploads taken.")
BYTES_OUT = Counter("rushes_media_bytes_out_total", "Bytes of media asked for.")
JOBS = Counter("rushes_media_jobs_total", "Jobs ended, by state.", ["state"])
JOB_SECONDS = Histogram(
    "rushes_media_job_seconds", "Time of a job.", buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200)
)
