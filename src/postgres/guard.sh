# Becomes the database server, and leaves a watcher that stops it when the service ends in whatever way, kill -9
# included: the service holds the other end of standard input, and its end is the end of that.
#
# usage: sh -c "$(cat guard.sh)" sh REMOVE PROGRAM ARGUMENTS...
#   REMOVE  a folder that goes away with the server, or nothing
remove=$1
shift
exec 3<&0 </dev/null
# In the background of a subshell, so that the server has no child that it does not know.
( (
    read -r word <&3
    # The service says so when the server has ended first: its number may be another program's by now.
    [ "$word" = ended ] || kill -INT $$
    [ -n "$remove" ] || exit
    while kill -0 $$ 2>/dev/null; do sleep 0.1; done
    rm -rf -- "$remove"
) & )
exec "$@" 3<&-
