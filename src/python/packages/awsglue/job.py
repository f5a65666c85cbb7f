"""A run of a job: what it began with, and what it commits."""
import sys

from awsglue import bookmark, spark_catalog


class Job:
    def __init__(self, glue_context_or_spark_session=None):
        self._name = None
        self._context = glue_context_or_spark_session

    def init(self, job_name, args=None):
        """args: what getResolvedOptions gave; without it nothing is bookmarked."""
        self._name = job_name
        bookmark.begin((args or {}).get("job_bookmark_option"), sys.argv)

    def isInitialized(self):
        return self._name is not None

    def commit(self):
        """What was read up to here is not read again by the next run, if this one succeeds."""
        if self._name is None:
            raise RuntimeError("Job.commit() was called before Job.init()")
        if self._context is not None and spark_catalog.is_asked_for(sys.argv):
            spark_catalog.take_out(getattr(self._context, "spark_session", self._context))
        bookmark.commit()
