#!/bin/bash
# setup.sh [PART...]: installs what a part needs, says what and why, and does nothing that is done
# already. Parts: build, test, spark, airflow, full, bench, all. Debian packages come by apt; Python packages and
# two libraries are pinned by hash and live under build/.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else
        echo "setup: root is needed for: $*" >&2
        echo "setup: run it as root, or install sudo, and try again" >&2
        return 1
    fi
}

# packages PART: installs the part's lines of tools/packages.txt that are missing.
packages() {
    local part name why missing=()
    while read -r part name why; do
        [ "$part" = "$1" ] || continue
        if [[ $name = *:* ]] && command -v "${name#*:}" >/dev/null; then continue; fi
        name=${name%%:*}
        if dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^ii'; then
            continue
        fi
        missing+=("$name")
        echo "setup: apt package $name: $why"
    done <tools/packages.txt
    [ ${#missing[@]} -gt 0 ] || return 0
    as_root apt-get -q -o DPkg::Lock::Timeout=300 update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qy -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends "${missing[@]}"
}

# stamped NAME WANT COMMAND...: runs the command unless build/setup/NAME says it was done for WANT.
stamped() {
    local stamp=build/setup/$1 want=$2
    shift 2
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then return 0; fi
    rm -f "$stamp"
    "$@"
    mkdir -p build/setup
    echo "$want" >"$stamp"
}

hash_of() {
    cat "$@" | sha256sum
}

make_venv() { # FOLDER REQUIREMENTS...
    local folder=$1 requirements
    shift
    echo "setup: Python packages of $* into $folder"
    rm -rf "$folder"
    python3 -m venv "$folder"
    # PySpark is published as source only; it is built with the environment's own setuptools, which
    # a list before it brings: the one that Python brings cannot build without a package more.
    for requirements in "$@"; do
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
            --no-deps --no-build-isolation --only-binary :all: --no-binary pyspark -r "$requirements"
    done
}

venv() { # NAME REQUIREMENTS...: the lists are installed one after another
    local name=$1
    shift
    stamped "$name" "$(hash_of "$@")" make_venv "build/$name" "$@"
}

aarch64_libraries() {
    echo "setup: zlib and cmocka for ARM into build/deps/aarch64"
    local lists=$PWD/build/deps/aarch64-apt options file
    rm -rf build/deps/aarch64 "$lists"
    mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial" build/deps/aarch64
    # A package list of its own: the machine's architectures stay as they are.
    options=(-q -o APT::Architecture=arm64 -o APT::Architectures::=arm64
        -o Dir::State::Lists="$lists/lists" -o Dir::Cache="$lists/cache"
        -o APT::Sandbox::User="$(id -un)")
    apt-get "${options[@]}" update
    (cd "$lists" && apt-get "${options[@]}" download zlib1g zlib1g-dev libcmocka0 libcmocka-dev)
    for file in "$lists"/*.deb; do dpkg -x "$file" build/deps/aarch64; done
    rm -rf "$lists"
}

part() {
    case $1 in
    build)
        packages build
        venv venv tools/requirements.txt
        stamped libraries "$(hash_of tools/setup_libraries.py tools/xgboost.txt)" \
            build/venv/bin/python tools/setup_libraries.py build/deps
        ;;
    test)
        part build
        packages test
        venv venv-test tests/requirements.txt
        ;;
    spark)
        packages spark
        venv venv-spark tests/requirements-setuptools.txt tests/requirements-spark.txt
        stamped spark-jars "$(hash_of tests/requirements-s*.txt tools/spark.txt tools/*spark*.py)" \
            python3 tools/setup_spark.py build/venv-spark
        ;;
    airflow)
        part test
        part spark
        packages airflow
        venv venv-airflow tests/requirements-airflow.txt
        ;;
    full)
        part test
        part spark
        packages full
        venv venv-mlflow tests/requirements-mlflow.txt
        stamped aarch64 "$(hash_of tools/setup.sh)" aarch64_libraries
        ;;
    bench)
        part build
        part spark
        packages bench
        venv venv-bench bench/requirements.txt
        venv venv-test tests/requirements.txt # the SageMaker SDK
        venv venv-mlflow tests/requirements-mlflow.txt
        ;;
    all)
        part full
        part airflow
        part bench
        ;;
    *)
        echo "setup: there is no part '$1'; there are build, test, spark, airflow, full, bench and all" >&2
        return 2
        ;;
    esac
}

for name in "${@:-build}"; do part "$name"; done
