#!/bin/sh
# A tour on this machine, without an AWS account: every command is one that a user types.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$here"/*.py "$here"/words.txt "$folder"
cd "$folder"

type_in() {
    printf '\n$ %s\n' "$*"
    "$@"
}

printf 'Two commands: deploy a flow, run it.\n'
type_in sfnflow create parameter_flow.py --max-workers 500
type_in sfnflow trigger ParameterFlow -p alpha=0.5 --wait

printf '\nA foreach of 200 tasks.\n'
type_in sfnflow create foreach_flow.py
type_in sfnflow trigger ForeachFlow -p count=200 --wait

printf '\nA flow with a bug: what failed, and why.\n'
type_in sfnflow create debug_flow.py
printf '\n$ sfnflow trigger DebugFlow --wait\n'
if run=$(sfnflow trigger DebugFlow --wait); then
    echo "the bug has gone" >&2
    exit 1
fi

printf '\nMend it, and go on from there: what was done is reused.\n'
sed 's/int("2fail")/int("2")/' debug_flow.py > mended && mv mended debug_flow.py
type_in sfnflow resume --origin-run-id "$run"
printf '\nThe demo ran to its end.\n'
