#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "lathe.h"
#include "program/features_job.h"
#include "wire/local.h"

static const struct verb verbs[] = {
    {"serve", "[--listen ADDRESS:PORT] [--config FILE] [--proxy ADDRESS:PORT|off] [--no-tunnels]",
     "serve AWS clients until it is stopped",
     "Listens on 127.0.0.1:4566 unless told otherwise, and keeps everything in the home folder.\n"
     "Only loopback addresses are accepted; port 0 takes any free one. Prints one line when it is\n"
     "ready. SIGTERM, Ctrl-C and `lathe stop` end it: requests under way finish first.\n"
     "  --config FILE          how programs are run; lathe.yaml of the home folder otherwise:\n"
     "                         slots, runtime.{python, spark, isolation, network, memory,\n"
     "                         processes}, fetch.allow\n"
     "  --proxy ADDRESS:PORT   where AWS's own hosts are answered (`lathe env --all`): the port\n"
     "                         after that, or any free one, unless told otherwise; off: nowhere\n"
     "  --no-tunnels           the proxy leads to no other hosts",
     cli_serve},
    {"run", "FILE [-p NAME=VALUE]... [--name NAME] [--json] [--serve]",
     "run a workflow, a SageMaker pipeline definition in YAML or JSON, to its end",
     "In the server that has the home folder, or, where there is none, in this process.\n"
     "  -p NAME=VALUE      a parameter's value; may be given again\n"
     "  --name NAME        the pipeline's name; the file's otherwise\n"
     "  --json             nothing but the end, as JSON\n"
     "  --serve            serve HTTP too, and go on once the workflow has succeeded\n"
     "  --listen ADDRESS   where, as for serve\n"
     "Texts such as file://rows.csv, relative to FILE, are uploaded first and become s3:// URIs,\n"
     "in the bucket that the parameter Bucket names (lathe-NAME where there is none), which is\n"
     "created where it is missing.\n"
     "Ctrl-C stops the execution. The exit code is 0 only where it succeeded.",
     cli_run},
    {"tune", "FILE [--name NAME] [--json]", "search hyperparameters as a file says, to the end",
     "FILE holds what CreateHyperParameterTuningJob is asked, in YAML or JSON; what it leaves out "
     "of\n"
     "the training job's RoleArn, OutputDataConfig, ResourceConfig and StoppingCondition is filled "
     "in.\n"
     "Texts such as file://rows.csv are uploaded first, as `lathe run` does. Shows the trials and\n"
     "the best so far, in the server that has the home folder or in this process.\n"
     "  --name NAME   the tuning job's name; the file's and a few letters otherwise\n"
     "  --json        nothing but the end, as JSON\n"
     "Ctrl-C stops the tuning job. The exit code is 0 only where it completed.",
     cli_tune},
    {"env", "[--all]", "print what AWS clients need: eval \"$(lathe env)\"",
     "Prints export lines for a shell: the endpoint, region, keys, and the configuration file "
     "that\n"
     "keeps the SageMaker SDK from calling addresses outside (written to the home folder).\n"
     "  --all   what brings clients here that go to AWS's own hosts, too: lathe as the proxy of\n"
     "          HTTPS, and the certificates to trust, which are made for this home and for AWS's\n"
     "          hosts alone",
     cli_env},
    {"call", "SERVICE OPERATION [JSON]", "call one operation of the running lathe",
     "SERVICE and OPERATION as botocore names them: lathe call sagemaker ListModels\n"
     "'{\"MaxResults\": 5}'. JSON may be @FILE, or - for standard input.\n"
     "  --body FILE   the request's byte stream (PutObject, InvokeEndpoint)\n"
     "  --out FILE    where the reply's byte stream goes; standard output otherwise",
     cli_call},
    {"status", "[--json]", "show the server, its jobs, its endpoints, and how much it keeps", "",
     cli_status},
    {"logs", "NAME [-f]", "print the log of a job or an endpoint; -f goes on until it ends",
     "  --json   a JSON object a line: timestamp (milliseconds) and message", cli_logs},
    {"stop", "[JOB]", "stop the server, or one job", "", cli_stop},
    {"fetch", "SOURCE... s3://BUCKET/PREFIX [--list FILE] [--decompress]",
     "bring what addresses and local files hold into a bucket",
     "A SOURCE is an address of http:// or https://, or a local file; FILE holds a list of them "
     "in\n"
     "YAML or JSON, with checksums, paths and bounds (paths of local files relative to FILE):\n"
     "  files:\n"
     "    - url: https://files.example.org/2008.csv.gz\n"
     "      sha256: 9f86d081...           # or md5; what came is told, and held to it\n"
     "      decompress: gzip              # or tar (plain or through gzip), zip, auto, none\n"
     "      path: flights/2008.csv        # the object's key below PREFIX; the name otherwise\n"
     "    - carriers.csv\n"
     "  limits: {bytes: 68719476736, members: 100000, expansion: 200}\n"
     "  retries: 5\n"
     "This process reads and connects, as you may; redirects lead only to the public internet, to\n"
     "hosts that are among the addresses, and to what fetch.allow in lathe.yaml lists. What is "
     "cut\n"
     "off (Ctrl-C too) the next run goes on with. Nothing is stored before all is here. Where a\n"
     "server is to do it alone, and to store all as one change: a processing job of the image\n"
     "lathe-fetch, whose input config is such a list of addresses, and whose output is\n"
     "/opt/ml/processing/output.\n"
     "  --list FILE    a list, beside or in place of SOURCEs\n"
     "  --decompress   unpack SOURCEs whose names end in .gz, .zip, .tar, .tar.gz or .tgz",
     cli_fetch},
    {"publish", "STREAM FILE... [--skip-header]", "put the lines of files into a delivery stream",
     "Each line is a record, its newline a part of it, in the files' order; - is standard input.\n"
     "What was acknowledged is on the disk, and the stream delivers it as its buffers say. Where\n"
     "the stream has no room, it is waited for. How many records were accepted is printed at the\n"
     "end, also where it failed.\n"
     "  --skip-header   each file's first line is no record",
     cli_publish},
    {"query", "SQL [--database D] [--format FORMAT]", "run a statement of SQL over the tables",
     "Trino's SQL as Athena takes it, and Hive's definitions (CREATE EXTERNAL TABLE, MSCK, SHOW "
     "...).\n"
     "A statement may begin with a comment: `--` and a blank, or anything after a `--` of its "
     "own.\n"
     "  --database D               where names without one are looked up (default: default)\n"
     "  --format FORMAT            table, csv, json (an object a row) or parquet\n"
     "  --output FILE              where csv and parquet go; large Parquet goes on in FILE.1 ...",
     cli_query},
    {"tables", "[DATABASE]", "list the catalog's tables", "", cli_tables},
    {"predict", "ARTIFACT... [FILE]", "answer rows with a model, or a pipeline of them",
     "Artifacts in the order of the pipeline: XGBoost model files, model.tar.gz, MLeap bundles "
     "(zip\nor folder). Rows come from FILE or standard input, plain or gzip: CSV with the columns "
     "in order or\nunder a header with their names (`lathe describe` says which), JSON Lines "
     "(.jsonl, .ndjson) or, for\ntrees, libsvm (.libsvm, .svm). Categories that a model keeps are "
     "written as they are called. Answers\nare CSV, a line a row.\n"
     "  --format csv|jsonlines|libsvm   how the rows are written, where FILE's name does not say "
     "it\n"
     "  --output OUTPUT                 predictions (the default), labels, probabilities, or of "
     "the\n"
     "                                  trees: margins, leaves, contributions, interactions",
     cli_predict},
    {"describe", "ARTIFACT... [--json] | TABLE", "show what is in a model, or in a table", "",
     cli_describe},
    {"export", "c ARTIFACT... [--name NAME]", "print a pipeline as one C file that needs only libm",
     "Its function answers one row; the comment at its top says how.", cli_export},
    {"import", "sklearn FILE [--output BUNDLE]",
     "make a bundle of a fitted scikit-learn transformer",
     "FILE is what joblib or pickle dumped, or a tar.gz with such a file: a ColumnTransformer,\n"
     "Pipeline, FeatureUnion, StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler,\n"
     "OneHotEncoder, OrdinalEncoder, SimpleImputer, KBinsDiscretizer or FunctionTransformer of\n"
     "NumPy's functions. It is read by the home's Python (runtime.python in lathe.yaml, else the\n"
     "active virtual environment's, else python3), which has to have scikit-learn, in the sandbox\n"
     "of scripts, without network. The bundle answers a vector, features, as the object's\n"
     "transform does, dense.\n"
     "Rows have the columns that the object was fitted on, named or in their order.\n"
     "  --output BUNDLE   the bundle, FILE's name with .zip otherwise; where it ends in .tar.gz, "
     "an\n"
     "                    archive as CreateModel wants it",
     cli_import},
    {"sample", "NAME [--rows N] [--seed S]", "print rows of a well-known data set, generated",
     "The same name, rows and seed give the same bytes on every machine. Without NAME: a list.",
     cli_sample},
    {"job", "[NAME FOLDER]", "run a job's program by hand on a folder in the /opt/ml layout",
     "What a job's process does: reads and writes below FOLDER. Needs no server. Without NAME: a "
     "list.",
     cli_job},
    {"extract", "", NULL, NULL, cli_extract},
    {"engine", "FOLDER MEMORY THREADS", NULL, NULL, cli_engine},
};

static char *home_option;

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int print_overview(FILE *out)
{
    fprintf(out, "lathe: from raw rows to a monitored prediction service, in AWS's words\n"
                 "usage: lathe VERB [ARGUMENTS] [--home FOLDER]; lathe --version\n");
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (verbs[i].summary)
            fprintf(out, "  %-10s%s\n", verbs[i].name, verbs[i].summary);
    fprintf(out, "  %-10s%s\n\n", "help",
            "help VERB says more about one of them; help features, what a features job can do");
    fprintf(out, "The home folder is --home, else $LATHE_HOME, else ./.lathe.\n"
                 "Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 no lathe is running.\n");
    return out == stdout ? CLI_OK : CLI_USAGE;
}

/* What is no verb, but asked about: the stages that a features job has. */
static int print_features(void)
{
    g_autofree char *text = features_help();
    fputs(text, stdout);
    return CLI_OK;
}

static int print_help(const struct verb *verb)
{
    printf("usage: lathe %s%s%s\n\n%s\n", verb->name, *verb->usage ? " " : "", verb->usage,
           verb->summary ? verb->summary : "a process that lathe starts; it talks on descriptor 3");
    if (verb->help && *verb->help)
        printf("\n%s\n", verb->help);
    return CLI_OK;
}

bool cli_options(int *argc, char ***argv, const GOptionEntry *entries)
{
    const struct verb *verb = find_verb((*argv)[0]);
    const GOptionEntry common[] = {
        {"home", 0, 0, G_OPTION_ARG_FILENAME, &home_option, "the home folder", "FOLDER"},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_add_main_entries(context, common, NULL);
    if (entries)
        g_option_context_add_main_entries(context, entries, NULL);
    GError *error = NULL;
    if (g_option_context_parse(context, argc, argv, &error))
        return true;
    fprintf(stderr, "lathe %s: %s\nusage: lathe %s %s\n", verb->name, error->message, verb->name,
            verb->usage);
    g_error_free(error);
    return false;
}

const char *cli_home(void)
{
    if (home_option)
        return home_option;
    const char *home = g_getenv("LATHE_HOME");
    return home && *home ? home : ".lathe";
}

int cli_error(GError *error)
{
    int code = g_error_matches(error, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE) ? CLI_NOT_RUNNING
                                                                              : CLI_FAILED;
    fprintf(stderr, "lathe: %s\n", error->message);
    g_error_free(error);
    return code;
}

json_t *cli_ask(const char *service, const char *operation, const json_t *request, GError **error)
{
    return local_call(cli_home(), service, operation, request, NULL, NULL, error);
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return print_overview(stderr);
    const char *name = argv[1];
    bool help = strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
    if (help && argc < 3)
        return print_overview(stdout);
    if (help && strcmp(argv[2], "features") == 0)
        return print_features();
    if (strcmp(name, "--version") == 0)
        return puts(lathe_version()) < 0 ? CLI_FAILED : CLI_OK;
    const struct verb *verb = find_verb(help ? argv[2] : name);
    if (!verb) {
        fprintf(stderr, "lathe: there is no verb %s; `lathe help` lists them\n",
                help ? argv[2] : name);
        return CLI_USAGE;
    }
    if (help || wants_help(argc - 1, argv + 1))
        return print_help(verb);
    return verb->run(argc - 1, argv + 1);
}
