#!/bin/sh
# Sets up .venv from the hashed lock files, then runs what is asked.
#   ./go demo    a running contact centre: embedded database, simulated network
#   ./go test    the tests, by several workers (arguments go to pytest, which then has none without -n)
#   ./go check   lint, types, import arrows, tests
#   ./go bench   the figures of benchmarks/README.md (NAME... takes some of them, --full the long form, --json)
#   ./go build   the wheel and its requirements, into dist/ (docs/install.md)
#   ./go lock    write requirements/*.txt anew from pyproject.toml
#   ./go VERB    any other verb is one of `dialler`'s own; see ./go --help
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
verb=${1:-demo}
[ $# -eq 0 ] || shift

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "go: Python 3.11 or newer is needed; this is $("$python" --version 2>&1). Set PYTHON to another one." >&2
  exit 1
}
# Bytecode is kept in .venv, whatever the environment says: the tests start hundreds of processes, and without it each
# of them compiles 800 modules, which takes longer than all the rest of its start.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX="$PWD/.venv/bytecode"

if [ ! -x .venv/bin/pip ]; then
  "$python" -m venv .venv || {
    echo "go: could not make .venv; on Debian and Ubuntu: apt install python3-venv" >&2
    exit 1
  }
fi

# Installs the locked packages of one set (run or dev) and this project, once for each state of the files.
install() {
  stamp=.venv/installed-$1
  if [ ! -f "$stamp" ] || [ "requirements/$1.txt" -nt "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
    [ -x .venv/bin/uv ] || .venv/bin/python -m pip install -q --require-hashes -r requirements/uv.txt >&2
    echo "go: installing requirements/$1.txt into .venv" >&2
    VIRTUAL_ENV="$PWD/.venv" .venv/bin/uv pip install -q --require-hashes -r "requirements/$1.txt"
    VIRTUAL_ENV="$PWD/.venv" .venv/bin/uv pip install -q --no-deps -e .
    touch "$stamp"
  fi
}

lint() {
  .venv/bin/ruff check .
  .venv/bin/ruff format --check .
  .venv/bin/mypy
  .venv/bin/lint-imports
}

# One worker more than there are processors: many tests wait for a server or for another process.
tests() {
  if [ $# -eq 0 ]; then
    set -- -n "$(.venv/bin/python -c 'import os; print((os.cpu_count() or 1) + 1)')"
  fi
  exec .venv/bin/python -m pytest "$@"
}

case $verb in
  lock)
    [ -x .venv/bin/uv ] || .venv/bin/python -m pip install -q 'uv>=0.9'
    compile() {
      .venv/bin/uv pip compile -q "$@" --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command './go lock'
    }
    compile pyproject.toml -o requirements/run.txt
    compile pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt
    echo uv | compile - -c requirements/dev.txt -o requirements/uv.txt
    ;;
  test)
    install dev
    tests "$@"
    ;;
  lint)
    install dev
    lint
    ;;
  bench)
    install dev
    exec .venv/bin/python -m benchmarks "$@"
    ;;
  build)
    install dev
    rm -rf dist
    .venv/bin/python -m build --no-isolation --outdir dist .
    cp requirements/run.txt dist/requirements.txt
    ;;
  check)
    install dev
    lint
    tests "$@"
    ;;
  *)
    install run
    exec .venv/bin/dialler "$verb" "$@"
    ;;
esac
