#!/bin/sh
# Starts Redis with the users of users.acl. Their passwords come from the environment and only hashes of them are
# written, to where USERS says; further words are redis-server's. A subscriber without a password is switched off.
set -eu

hashed() {
    printf %s "$1" | sha256sum | cut -d ' ' -f 1
}

: "${WORKER_PASSWORD:?is not set}"
umask 077
if [ -n "${SUBSCRIBER_PASSWORD:-}" ]; then
    subscriber="on #$(hashed "$SUBSCRIBER_PASSWORD")"
else
    subscriber=off
fi
sed -e "s/#WORKER/#$(hashed "$WORKER_PASSWORD")/" -e "s/on #SUBSCRIBER/$subscriber/" "$(dirname "$0")/users.acl" >"$USERS"
unset WORKER_PASSWORD SUBSCRIBER_PASSWORD
exec redis-server --aclfile "$USERS" "$@"
