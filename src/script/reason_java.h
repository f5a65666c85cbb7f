/* reason_java.h: why a program that runs on Java ended; part of reason.h. */
#ifndef LATHE_SCRIPT_REASON_JAVA_H
#define LATHE_SCRIPT_REASON_JAVA_H

/* What was thrown in Java and what caused it, behind a Python exception of Py4J's that only says
 * so (from: the traceback's line), or where a main function ended by it, or was not found
 * (exception: NULL). NULL: nothing of Java's. g_free. */
char *reason_java(char **lines, int from, const char *exception);

#endif
