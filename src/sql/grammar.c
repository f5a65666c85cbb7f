/* Trino's grammar (the release of 2023 that Athena's engine is nearest to), without left recursion:
 * whether a text is a statement, and what could have stood where it stops being one. A mark of
 * exclamation stands before what is taken and never named as expected: where a name alone would do,
 * Trino's parser has decided for the name. */
#include "sql/grammar.h"

#include <stddef.h>

const struct sql_rule sql_grammar[] = {
    {"single", NULL, "statement EOF"},
    {"statement", NULL,
     "rootquery | USE identifier | USE identifier '.' identifier"
     "| CREATE CATALOG (IF NOT EXISTS)? identifier USING identifier (COMMENT string)?"
     "  (AUTHORIZATION principal)? (WITH properties)?"
     "| DROP CATALOG (IF EXISTS)? identifier (CASCADE | RESTRICT)?"
     "| CREATE SCHEMA (IF NOT EXISTS)? qname (AUTHORIZATION principal)? (WITH properties)?"
     "| DROP SCHEMA (IF EXISTS)? qname (CASCADE | RESTRICT)?"
     "| ALTER SCHEMA qname RENAME TO identifier | ALTER SCHEMA qname SET AUTHORIZATION principal"
     "| CREATE TABLE (IF NOT EXISTS)? qname aliases? (COMMENT string)? (WITH properties)?"
     "  AS (rootquery | '(' rootquery ')') (WITH NO? DATA)?"
     "| CREATE TABLE (IF NOT EXISTS)? qname '(' element (',' element)* ')' (COMMENT string)?"
     "  (WITH properties)?"
     "| DROP TABLE (IF EXISTS)? qname | INSERT INTO qname aliases? rootquery"
     "| DELETE FROM qname (WHERE boolean)? | TRUNCATE TABLE qname"
     "| COMMENT ON TABLE qname IS (string | NULL) | COMMENT ON VIEW qname IS (string | NULL)"
     "| COMMENT ON COLUMN qname IS (string | NULL)"
     "| ALTER TABLE (IF EXISTS)? qname RENAME TO qname"
     "| ALTER TABLE (IF EXISTS)? qname ADD COLUMN (IF NOT EXISTS)? column"
     "| ALTER TABLE (IF EXISTS)? qname RENAME COLUMN (IF EXISTS)? qname TO identifier"
     "| ALTER TABLE (IF EXISTS)? qname DROP COLUMN (IF EXISTS)? qname"
     "| ALTER TABLE (IF EXISTS)? qname ALTER COLUMN qname SET DATA TYPE type"
     "| ALTER TABLE qname SET AUTHORIZATION principal"
     "| ALTER TABLE qname SET PROPERTIES property (',' property)*"
     "| ALTER TABLE qname EXECUTE identifier ('(' (argument (',' argument)*)? ')')?"
     "  (WHERE boolean)?"
     "| ANALYZE qname (WITH properties)?"
     "| CREATE (OR REPLACE)? MATERIALIZED VIEW (IF NOT EXISTS)? qname (GRACE PERIOD interval)?"
     "  (COMMENT string)? (WITH properties)? AS rootquery"
     "| CREATE (OR REPLACE)? VIEW qname (COMMENT string)? (SECURITY (DEFINER | INVOKER))?"
     "  AS rootquery"
     "| REFRESH MATERIALIZED VIEW qname | DROP MATERIALIZED VIEW (IF EXISTS)? qname"
     "| ALTER MATERIALIZED VIEW (IF EXISTS)? qname RENAME TO qname"
     "| ALTER MATERIALIZED VIEW qname SET PROPERTIES property (',' property)*"
     "| DROP VIEW (IF EXISTS)? qname | ALTER VIEW qname RENAME TO qname"
     "| ALTER VIEW qname SET AUTHORIZATION principal"
     "| CALL qname '(' (argument (',' argument)*)? ')'"
     "| CREATE ROLE identifier (WITH ADMIN grantor)? (IN identifier)?"
     "| DROP ROLE identifier (IN identifier)?"
     "| GRANT roles TO principal (',' principal)* (WITH ADMIN OPTION)? (GRANTED BY grantor)?"
     "  (IN identifier)?"
     "| REVOKE (ADMIN OPTION FOR)? roles FROM principal (',' principal)* (GRANTED BY grantor)?"
     "  (IN identifier)?"
     "| SET ROLE (ALL | NONE | identifier) (IN identifier)?"
     "| GRANT (privilege (',' privilege)* | ALL PRIVILEGES) ON (SCHEMA | TABLE)? qname"
     "  TO principal (WITH GRANT OPTION)?"
     "| DENY (privilege (',' privilege)* | ALL PRIVILEGES) ON (SCHEMA | TABLE)? qname TO principal"
     "| REVOKE (GRANT OPTION FOR)? (privilege (',' privilege)* | ALL PRIVILEGES)"
     "  ON (SCHEMA | TABLE)? qname FROM principal"
     "| SHOW GRANTS (ON TABLE? qname)? | EXPLAIN ANALYZE VERBOSE? statement"
     "| EXPLAIN ('(' explain (',' explain)* ')')? statement"
     "| SHOW CREATE TABLE qname | SHOW CREATE SCHEMA qname | SHOW CREATE VIEW qname"
     "| SHOW CREATE MATERIALIZED VIEW qname | SHOW TABLES ((FROM | IN) qname)? like?"
     "| SHOW SCHEMAS ((FROM | IN) identifier)? like? | SHOW CATALOGS like?"
     "| SHOW COLUMNS (FROM | IN) qname like? | SHOW STATS FOR qname"
     "| SHOW STATS FOR '(' query ')' | SHOW CURRENT? ROLES ((FROM | IN) identifier)?"
     "| SHOW ROLE GRANTS ((FROM | IN) identifier)? | DESCRIBE qname | DESC qname"
     "| SHOW FUNCTIONS ((FROM | IN) qname)? like? | SHOW SESSION like?"
     "| SET SESSION AUTHORIZATION (identifier | string) | RESET SESSION AUTHORIZATION"
     "| SET SESSION qname '=' expression | RESET SESSION qname"
     "| START TRANSACTION (mode (',' mode)*)? | COMMIT WORK? | ROLLBACK WORK?"
     "| PREPARE identifier FROM statement | DEALLOCATE PREPARE identifier"
     "| EXECUTE identifier (USING expression (',' expression)*)?"
     "| EXECUTE IMMEDIATE string (USING expression (',' expression)*)?"
     "| DESCRIBE INPUT identifier | DESCRIBE OUTPUT identifier"
     "| SET PATH path (',' path)* | SET TIME ZONE (LOCAL | expression)"
     "| UPDATE qname SET assignment (',' assignment)* (WHERE boolean)?"
     "| MERGE INTO qname (AS? identifier)? USING relation ON expression merge+"
     "| !UNLOAD !'(' rootquery ')' TO string (WITH properties)?"},
    {"rootquery", NULL, "query"},
    {"like", NULL, "LIKE string (ESCAPE string)?"},
    {"query", "<query>", "with? querynowith"},
    {"with", NULL, "WITH RECURSIVE? named (',' named)*"},
    {"element", NULL, "column | LIKE qname ((INCLUDING | EXCLUDING) PROPERTIES)?"},
    {"column", NULL, "identifier type (NOT NULL)? (COMMENT string)? (WITH properties)?"},
    {"properties", NULL, "'(' property (',' property)* ')'"},
    {"property", NULL, "identifier '=' (DEFAULT | expression)"},
    {"querynowith", NULL,
     "queryterm (ORDER BY sort (',' sort)*)? (OFFSET rowcount (ROW | ROWS)?)?"
     "(LIMIT (ALL | rowcount) | FETCH (FIRST | NEXT) rowcount? (ROW | ROWS) (ONLY | WITH TIES))?"},
    {"rowcount", NULL, "INTEGER_VALUE | '?'"},
    {"queryterm", NULL, "queryprimary ((INTERSECT | UNION | EXCEPT) quantifier? queryprimary)*"},
    {"queryprimary", NULL,
     "select | TABLE qname | VALUES expression (',' expression)* | '(' querynowith ')'"},
    {"sort", NULL, "expression (ASC | DESC)? (NULLS (FIRST | LAST))?"},
    {"select", NULL,
     "SELECT quantifier? item (',' item)* (FROM relation (',' relation)*)? (WHERE boolean)?"
     "(GROUP BY groupby)? (HAVING boolean)? (WINDOW namedwindow (',' namedwindow)*)?"},
    {"groupby", NULL, "quantifier? grouping (',' grouping)*"},
    {"grouping", NULL,
     "groupingset | ROLLUP '(' (groupingset (',' groupingset)*)? ')'"
     "| CUBE '(' (groupingset (',' groupingset)*)? ')'"
     "| GROUPING SETS '(' groupingset (',' groupingset)* ')'"},
    {"groupingset", NULL, "'(' (expression (',' expression)*)? ')' | expression"},
    {"namedwindow", NULL, "identifier AS '(' window ')'"},
    {"window", NULL,
     "identifier? (PARTITION BY expression (',' expression)*)? (ORDER BY sort (',' sort)*)?"
     "frame?"},
    {"named", NULL, "identifier aliases? AS '(' query ')'"},
    {"quantifier", NULL, "DISTINCT | ALL"},
    {"item", NULL, "expression (AS? identifier)? | primary '.' '*' (AS aliases)? | '*'"},
    {"relation", NULL,
     "sampled (CROSS JOIN sampled | jointype JOIN relation (ON boolean | USING '(' identifier"
     "(',' identifier)* ')') | NATURAL jointype JOIN sampled)*"},
    {"jointype", NULL, "INNER? | LEFT OUTER? | RIGHT OUTER? | FULL OUTER?"},
    {"sampled", NULL, "patterned (TABLESAMPLE (BERNOULLI | SYSTEM) '(' expression ')')?"},
    {"patterned", NULL,
     "aliased (MATCH_RECOGNIZE '(' (PARTITION BY expression (',' expression)*)?"
     "(ORDER BY sort (',' sort)*)? (MEASURES measure (',' measure)*)?"
     "(ONE ROW PER MATCH | ALL ROWS PER MATCH (SHOW EMPTY MATCHES | OMIT EMPTY MATCHES"
     "| WITH UNMATCHED ROWS)?)? (AFTER MATCH skipto)? (INITIAL | SEEK)? PATTERN '(' pattern ')'"
     "(SUBSET subset (',' subset)*)? DEFINE define (',' define)* ')' (AS? identifier aliases?)?)?"},
    {"measure", NULL, "expression AS identifier"},
    {"skipto", NULL,
     "SKIP TO NEXT ROW | SKIP PAST LAST ROW | SKIP TO FIRST identifier | SKIP TO LAST identifier"
     "| SKIP TO identifier"},
    {"subset", NULL, "identifier '=' '(' identifier (',' identifier)* ')'"},
    {"define", NULL, "identifier AS expression"},
    {"aliased", NULL, "relationprimary (AS? identifier aliases?)?"},
    {"aliases", NULL, "'(' identifier (',' identifier)* ')'"},
    {"relationprimary", NULL,
     "qname (FOR (TIMESTAMP | VERSION) AS OF value)? | '(' query ')'"
     "| UNNEST '(' expression (',' expression)* ')' (WITH ORDINALITY)? | LATERAL '(' query ')'"
     "| TABLE '(' tablecall ')' | '(' relation ')' | JSON_TABLE '(' jsonpath COLUMNS '('"
     "jsoncolumn (',' jsoncolumn)* ')' ((ERROR | EMPTY) ON ERROR)? ')'"},
    {"jsoncolumn", NULL,
     "identifier FOR ORDINALITY | identifier type (FORMAT jsonformat)? (PATH string)?"
     "(jsonbehavior ON EMPTY)? (jsonbehavior ON ERROR)?"
     "| NESTED PATH? string (AS identifier)? COLUMNS '(' jsoncolumn (',' jsoncolumn)* ')'"},
    {"tablecall", NULL, "qname '(' (tableargument (',' tableargument)*)? ')'"},
    {"tableargument", NULL,
     "(identifier '=>')? (TABLE '(' (qname | query) ')' (AS? identifier aliases?)?"
     "(PARTITION BY ('(' (expression (',' expression)*)? ')' | expression))?"
     "((PRUNE | KEEP) WHEN EMPTY)? (ORDER BY ('(' sort (',' sort)* ')' | sort))?"
     "| !DESCRIPTOR !'(' identifier type? (',' identifier type?)* ')' | expression)"},
    {"expression", "<expression>", "boolean"},
    {"boolean", "<expression>", "(NOT boolean | value predicate?) ((AND | OR) boolean)?"},
    {"predicate", "<predicate>",
     "comparison value | comparison (ALL | SOME | ANY) '(' query ')'"
     "| NOT? BETWEEN value AND value | NOT? IN '(' expression (',' expression)* ')'"
     "| NOT? IN '(' query ')' | NOT? LIKE value (ESCAPE value)? | IS NOT? NULL"
     "| IS NOT? DISTINCT FROM value"},
    {"comparison", NULL, "'=' | '<>' | '<' | '<=' | '>' | '>='"},
    {"value", "<expression>",
     "(!'-' | !'+')* primary (AT TIME ZONE (interval | string))*"
     "(('*' | '/' | '%' | '+' | '-' | '||') (!'-' | !'+')* primary"
     " (AT TIME ZONE (interval | string))*)*"},
    {"primary", "<expression>", "atom ('[' value ']' | '.' identifier)*"},
    {"atom", NULL,
     "NULL | !interval | identifier !string | !DOUBLE !PRECISION string | number | TRUE | FALSE"
     "| string | BINARY_LITERAL | '?' | !POSITION !'(' value IN value ')'"
     "| '(' expression (',' expression)+ ')' | !ROW !'(' expression (',' expression)* ')'"
     "| LISTAGG '(' quantifier? expression (',' string)? (ON OVERFLOW (ERROR"
     "| TRUNCATE string? (WITH | WITHOUT) COUNT))? ')' WITHIN GROUP '(' ORDER BY sort"
     "(',' sort)* ')' filter?"
     "| ((!RUNNING | !FINAL) qname | qname) !'(' (!identifier '.')? '*' ')' filter? over?"
     "| ((!RUNNING | !FINAL) qname | qname) !'(' (quantifier? expression (',' expression)*)?"
     "  (ORDER BY sort (',' sort)*)? ')' filter? (((IGNORE | RESPECT) NULLS)? over)?"
     "| identifier !over | identifier !'->' expression"
     "| '(' (identifier (',' identifier)*)? ')' !'->' expression | '(' query ')'"
     "| EXISTS '(' query ')' | CASE expression when+ (ELSE expression)? END"
     "| CASE when+ (ELSE expression)? END | CAST '(' expression AS type ')'"
     "| !TRY_CAST !'(' expression AS type ')' | !ARRAY !'[' (expression (',' expression)*)? ']'"
     "| identifier | CURRENT_DATE | CURRENT_TIME precision? | CURRENT_TIMESTAMP precision?"
     "| LOCALTIME precision? | LOCALTIMESTAMP precision? | CURRENT_USER | CURRENT_CATALOG"
     "| CURRENT_SCHEMA | CURRENT_PATH"
     "| TRIM '(' ((BOTH | LEADING | TRAILING)? value? FROM)? value ')'"
     "| TRIM '(' value ',' value ')' | !SUBSTRING !'(' value FROM value (FOR value)? ')'"
     "| NORMALIZE '(' value (',' (NFD | NFC | NFKD | NFKC))? ')'"
     "| EXTRACT '(' identifier FROM value ')' | '(' expression ')'"
     "| GROUPING '(' (qname (',' qname)*)? ')'"
     "| JSON_EXISTS '(' jsonpath ((TRUE | FALSE | UNKNOWN | ERROR) ON ERROR)? ')'"
     "| JSON_VALUE '(' jsonpath (RETURNING type)? (jsonbehavior ON EMPTY)?"
     "  (jsonbehavior ON ERROR)? ')'"
     "| JSON_QUERY '(' jsonpath (RETURNING type (FORMAT jsonformat)?)? (jsonwrapper WRAPPER)?"
     "  ((KEEP | OMIT) QUOTES (ON SCALAR STRING)?)? (jsonempty ON EMPTY)? (jsonempty ON ERROR)?"
     "  ')'"
     "| JSON_OBJECT '(' (jsonmember (',' jsonmember)* ((NULL | ABSENT) ON NULL)?"
     "  ((WITH | WITHOUT) UNIQUE KEYS?)?)? (RETURNING type (FORMAT jsonformat)?)? ')'"
     "| JSON_ARRAY '(' (jsonvalue (',' jsonvalue)* ((NULL | ABSENT) ON NULL)?)?"
     "  (RETURNING type (FORMAT jsonformat)?)? ')'"},
    {"precision", NULL, "'(' INTEGER_VALUE ')'"},
    {"jsonpath", NULL, "jsonvalue ',' string (PASSING jsonargument (',' jsonargument)*)?"},
    {"jsonvalue", NULL, "expression (FORMAT jsonformat)?"},
    {"jsonformat", NULL, "JSON (ENCODING (UTF8 | UTF16 | UTF32))?"},
    {"jsonargument", NULL, "jsonvalue AS identifier"},
    {"jsonbehavior", NULL, "ERROR | NULL | DEFAULT expression"},
    {"jsonwrapper", NULL, "WITHOUT ARRAY? | WITH (CONDITIONAL | UNCONDITIONAL)? ARRAY?"},
    {"jsonempty", NULL, "ERROR | NULL | EMPTY ARRAY | EMPTY OBJECT"},
    {"jsonmember", NULL, "KEY? expression VALUE jsonvalue | expression ':' jsonvalue"},
    {"string", "<string>", "STRING_VALUE | UNICODE_STRING (UESCAPE STRING_VALUE)?"},
    {"interval", NULL, "INTERVAL !('+' | '-')? !string field (TO field)?"},
    {"field", NULL, "YEAR | MONTH | DAY | HOUR | MINUTE | SECOND"},
    {"type", "<type>",
     "(ROW '(' rowfield (',' rowfield)* ')' | !INTERVAL field (TO field)?"
     "| (!TIMESTAMP | !TIME) ('(' typeparameter ')')? ((WITH | WITHOUT) TIME ZONE)?"
     "| !DOUBLE !PRECISION | !ARRAY !'<' type '>' | !MAP !'<' type ',' type '>'"
     "| identifier ('(' typeparameter (',' typeparameter)* ')')?) (ARRAY ('[' INTEGER_VALUE"
     "']')?)*"},
    {"rowfield", NULL, "type | identifier type"},
    {"typeparameter", NULL, "INTEGER_VALUE | type"},
    {"when", NULL, "WHEN expression THEN expression"},
    {"filter", NULL, "FILTER '(' WHERE boolean ')'"},
    {"merge", NULL,
     "WHEN MATCHED (AND expression)? THEN UPDATE SET identifier '=' expression"
     "(',' identifier '=' expression)* | WHEN MATCHED (AND expression)? THEN DELETE"
     "| WHEN NOT MATCHED (AND expression)? THEN INSERT ('(' identifier (',' identifier)* ')')?"
     "VALUES '(' expression (',' expression)* ')'"},
    {"over", NULL, "OVER (identifier | '(' window ')')"},
    {"frame", NULL,
     "(MEASURES measure (',' measure)*)? (RANGE | ROWS | GROUPS) (bound | BETWEEN bound AND bound)"
     "(AFTER MATCH skipto)? (INITIAL | SEEK)? (PATTERN '(' pattern ')')?"
     "(SUBSET subset (',' subset)*)? (DEFINE define (',' define)*)?"},
    {"bound", NULL,
     "UNBOUNDED PRECEDING | UNBOUNDED FOLLOWING | CURRENT ROW"
     "| expression (PRECEDING | FOLLOWING)"},
    {"pattern", NULL,
     "patternprimary patternquantifier? ('|'? patternprimary patternquantifier?)*"},
    {"patternprimary", NULL,
     "identifier | '(' ')' | PERMUTE '(' pattern (',' pattern)* ')' | '(' pattern ')' | '^' | '$'"
     "| '{' '-' pattern '-' '}'"},
    {"patternquantifier", NULL,
     "'*' '?'? | '+' '?'? | '?' '?'? | '{' INTEGER_VALUE '}' '?'?"
     "| '{' INTEGER_VALUE? ',' INTEGER_VALUE? '}' '?'?"},
    {"assignment", NULL, "identifier '=' expression"},
    {"explain", NULL,
     "FORMAT (TEXT | GRAPHVIZ | JSON) | TYPE (LOGICAL | DISTRIBUTED | VALIDATE | IO)"},
    {"mode", NULL,
     "ISOLATION LEVEL (READ UNCOMMITTED | READ COMMITTED | REPEATABLE READ | SERIALIZABLE)"
     "| READ (ONLY | WRITE)"},
    {"argument", NULL, "expression | identifier '=>' expression"},
    {"path", NULL, "identifier '.' identifier | identifier"},
    {"privilege", NULL, "CREATE | SELECT | DELETE | INSERT | UPDATE | identifier"},
    {"qname", NULL, "identifier ('.' identifier)*"},
    {"grantor", NULL, "principal | CURRENT_USER | CURRENT_ROLE"},
    {"principal", NULL, "identifier | USER identifier | ROLE identifier"},
    {"roles", NULL, "identifier (',' identifier)*"},
    {"identifier", "<identifier>", "NAME"},
    {"number", NULL, "'-'? (DECIMAL_VALUE | DOUBLE_VALUE | INTEGER_VALUE)"},
    {NULL, NULL, NULL},
};
