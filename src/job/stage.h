/* stage.h: between a job's folder and the lake: channels in, artifacts out. */
#ifndef LATHE_JOB_STAGE_H
#define LATHE_JOB_STAGE_H

#include "base/json.h"

struct lake;

/* Puts what an S3DataSource names (S3Uri, S3DataType S3Prefix or ManifestFile) into folder, as
 * read-only links that keep the keys' names below the prefix: "s3://b/train" brings train,
 * train/x.csv (as x.csv) and train2/x.csv (as train2/x.csv), as S3 prefixes do; one object lands
 * under its own name. An object that is there twice under one name is an error that names the URI;
 * so is none at all, unless that may be. */
bool stage_in(struct lake *lake, const json_t *source, const char *folder, bool may_be_empty,
              GError **error);
/* Makes the links below folder files of their own. */
bool stage_copy(const char *folder, GError **error);

/* Whether the bucket of an output's URI is there. As with AWS the job is accepted either way, and
 * fails with this error, the client's; what: what names the URI. */
bool stage_check_bucket(struct lake *lake, const char *what, const char *uri, GError **error);

struct lake_batch;

/* Adds folder to the batch as a tar.gz, to be the object at an S3 URI; nothing where there is
 * nothing in it. */
bool stage_out_archive(struct lake_batch *batch, const char *folder, const char *uri,
                       GError **error);

/* Adds every file below folder to the batch, to be under an S3 URI (which may lack its last slash).
 */
bool stage_out(struct lake_batch *batch, const char *folder, const char *uri, GError **error);

/* Stores one file of a folder that the job may be changing, and which stays where it is, under its
 * name below such a URI. The folder is one of `root`: no link on the way from there is followed. */
bool stage_out_file(struct lake *lake, const char *root, const char *folder, const char *name,
                    const char *uri, GError **error);

#endif
