#!/bin/bash
# Makes real MLeap, with its Spark side, ready to run: OUT gets a file `classpath` and the compiled
# Fixtures.scala.
#
#   build.sh VERSION MLEAP BUNDLE_PROTOBUF SPARK_JARS OUT
#
# VERSION          0.20 (with pyspark 3.3.4) or 0.24 (with pyspark 4.0.1)
# MLEAP            a git repository of MLeap (combust/mleap) with the tags v0.20.0 and v0.24.0
# BUNDLE_PROTOBUF  a git repository of its submodule (combust/bundle-protobuf)
# SPARK_JARS       the folder `jars` of the installed pyspark
#
# Needs git, Maven, Java 17. Of 0.20 the published runtime is taken; its Spark side, and all of
# 0.24, are compiled from the tags, since a mirror may lack them.
set -euo pipefail

version=$1 mleap=$2 protobuf=$3 spark=$4 out=$5
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out/source" "$out/classes"
git --git-dir="$(git -C "$mleap" rev-parse --absolute-git-dir)" archive "v$version.0" |
    tar -x -C "$out/source"
mvn -q -B -f "$here/pom-$version.xml" dependency:copy-dependencies \
    -DoutputDirectory="$out/jars" -DincludeScope=runtime
rm -f "$out"/jars/scala-library-*.jar

modules="bundle-hdfs mleap-spark-base mleap-spark mleap-spark-extension"
if [ "$version" != 0.20 ]; then
    modules="mleap-base mleap-tensor bundle-ml mleap-core mleap-runtime $modules"
    mvn -q -B -f "$here/pom-codegen.xml" dependency:copy-dependencies \
        -DoutputDirectory="$out/codegen"
    commit=$(git --git-dir="$(git -C "$mleap" rev-parse --absolute-git-dir)" \
        rev-parse "v$version.0:bundle-protobuf")
    mkdir -p "$out/protobuf" "$out/generated"
    git --git-dir="$(git -C "$protobuf" rev-parse --absolute-git-dir)" archive "$commit" |
        tar -x -C "$out/protobuf"
    printf '#!/bin/sh\nexec java -cp "%s/codegen/*" scalapb.ScalaPbCodeGenerator\n' "$out" \
        > "$out/codegen/plugin"
    chmod +x "$out/codegen/plugin" "$out"/codegen/protoc-*.exe
    mkdir -p "$out/include"
    for jar in "$out"/jars/scalapb-runtime_*.jar "$out"/jars/protobuf-java-*.jar; do
        (cd "$out/include" && jar xf "$jar" scalapb google/protobuf)
    done
    "$out"/codegen/protoc-*.exe --plugin=protoc-gen-scala="$out/codegen/plugin" \
        --scala_out=flat_package:"$out/generated" -I "$out/protobuf/bundle" \
        -I "$out/include" \
        "$out"/protobuf/bundle/*.proto "$out"/protobuf/bundle/ext/*.proto
    # What sbt would write.
    cat > "$out/generated/BuildValues.scala" <<END
package ml.combust.mleap
object BuildValues {
  val name = "mleap-base"
  val version = "$version.0"
  val gitHeadCommit: Option[String] = Some("$(git --git-dir="$(git -C "$mleap" \
        rev-parse --absolute-git-dir)" rev-parse "v$version.0")")
}
END
fi

sources=() resources=
for module in $modules; do
    while read -r file; do sources+=("$file"); done \
        < <(find "$out/source/$module/src/main" -name '*.scala' -o -name '*.java')
    if [ -d "$out/source/$module/src/main/resources" ]; then
        resources=$resources:$out/source/$module/src/main/resources
    fi
done
if [ -d "$out/generated" ]; then
    while read -r file; do sources+=("$file"); done < <(find "$out/generated" -name '*.scala')
fi
libraries=$(printf '%s:' "$out"/jars/*.jar)$spark/*
scalac() {
    java -Xss8m -Xmx3g -cp "$spark/*" scala.tools.nsc.Main -nowarn -cp \
        "$out/classes:$(printf '%s:' "$out"/jars/*.jar "$spark"/*.jar)" -d "$out/classes" "$@"
}
scalac "${sources[@]}"
java_sources=()
for source in "${sources[@]}"; do [[ $source != *.java ]] || java_sources+=("$source"); done
if [ ${#java_sources[@]} -gt 0 ]; then
    javac -nowarn -cp "$out/classes:$libraries" -d "$out/classes" "${java_sources[@]}"
fi
scalac "$here/Fixtures.scala"
echo "$out/classes$resources:$libraries" > "$out/classpath"
