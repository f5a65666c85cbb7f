"""A source of which the format may be said later."""
from awsglue.dynamicframe import DynamicFrame
from awsglue.sources import format_of, from_paths


class DataSource:
    def __init__(self, glue_context, options, kind, transformation_ctx):
        self._glue_context, self._options = glue_context, options
        self._kind, self._context, self._format_options = kind, transformation_ctx, {}

    def setFormat(self, format, **options):
        self._kind, self._format_options = format, options

    def _paths(self):
        paths = self._options.get("paths") or self._options.get("path")
        if not paths:
            raise ValueError("A source of S3 needs paths")
        return [paths] if isinstance(paths, str) else list(paths)

    def getFrame(self, **kwargs):
        paths = self._paths()
        frame = from_paths(self._glue_context.spark_session, paths, format_of(self._kind),
                           self._format_options, self._options, self._context)
        return DynamicFrame(frame, self._glue_context, self._context)

    def getSampleFrame(self, num, **options):
        return self.getFrame().toDF().take(num)
