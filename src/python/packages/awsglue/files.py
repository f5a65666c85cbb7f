"""Files as Hadoop's file systems list them."""
import fnmatch
import json


def _path(spark, uri):
    return spark._jvm.org.apache.hadoop.fs.Path(uri)


def file_system(spark, uri):
    return _path(spark, uri).getFileSystem(spark._jsc.hadoopConfiguration())


def _is_hidden(path, base):
    return any(part.startswith(("_", ".")) for part in path[len(base):].split("/") if part)


def _base(spark, uri):
    """As the file system writes it, without a last slash."""
    return file_system(spark, uri).makeQualified(_path(spark, uri)).toString().rstrip("/")


def listed(spark, uri, recursive=True):
    """(path, modified in milliseconds, size) of what lies below uri, or of the file itself, in the
    order of the paths; nothing where there is nothing."""
    system, found = file_system(spark, uri), []
    if not system.exists(_path(spark, uri)):
        return []
    base = _base(spark, uri)
    files = system.listFiles(_path(spark, uri), recursive)
    while files.hasNext():
        file = files.next()
        path = file.getPath().toString()
        if file.getLen() > 0 and not _is_hidden(path, base):
            found.append((path, file.getModificationTime(), file.getLen()))
    return sorted(found)


def without(files, exclusions):
    """exclusions: a list of glob patterns, or the text of one in JSON."""
    patterns = json.loads(exclusions) if isinstance(exclusions, str) else exclusions or []
    return [file for file in files
            if not any(fnmatch.fnmatch(_schemeless(file[0]), _schemeless(one)) for one in patterns)]


def folder(uri):
    """The uri of a folder to write into: Hadoop's committers take a bucket alone for a relative path."""
    bucket = _schemeless(uri)
    return uri + "/" if bucket != uri and "/" not in bucket else uri


def _schemeless(uri):
    return uri.partition("://")[2] or uri


def delete(spark, path):
    file_system(spark, path).delete(_path(spark, path), False)


def relative(spark, path, base):
    """The folders and the name of a file below base."""
    return path[len(_base(spark, base)):].strip("/").split("/")
