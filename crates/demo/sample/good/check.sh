#!/bin/sh
# Checks what greet.sh says.
failed=0

# The greeting that is expected, and for whom.
expect() {
    expected=$1
    shift
    got=$(sh greet.sh "$@")
    if [ "$got" = "$expected" ]; then
        echo "ok      greet.sh $*"
    else
        echo "FAILED  greet.sh $*"
        echo "        expected: $expected"
        echo "        got:      $got"
        failed=1
    fi
    sleep 1 # slow enough to be watched
}

expect "Hello, Ada!" Ada
expect "Hello, Grace!" Grace
expect "Hello, world!"
exit $failed
