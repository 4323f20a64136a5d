#!/usr/bin/env bash
# Stands in for a command under whose name it is on the PATH: writes its call to the file $REPLAY_LOG and answers with the
# first reply of the file $REPLAY_REPLIES whose pattern fits. What it gets on standard input goes to the log too, when
# the call says that it reads there.
#
# A reply: a line "### STATUS PATTERN", then the output. PATTERN is a glob over "NAME ARGUMENTS".
set -euo pipefail
call="$(basename "$0") $*"
echo "$call" >> "$REPLAY_LOG"
case " $call " in *" -f - "* | *" exec -i "*) sed 's/^/  | /' >> "$REPLAY_LOG" ;; esac
status=''
while IFS= read -r line || [ -n "$line" ]; do
    if [[ $line == '### '* ]]; then
        [ -z "$status" ] || exit "$status"
        read -r _ code pattern <<< "$line"
        # shellcheck disable=SC2053  # the pattern is one
        if [[ $call == $pattern ]]; then status=$code; fi
    elif [ -n "$status" ]; then
        if [ "$status" = 0 ]; then echo "$line"; else echo "$line" >&2; fi
    fi
done < "$REPLAY_REPLIES"
[ -z "$status" ] || exit "$status"
echo "no reply is recorded for: $call" >&2
exit 99
