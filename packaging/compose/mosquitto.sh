#!/bin/sh
# The passwords that setup made, as hashes, and then mosquitto.
set -eu
umask 077
for file in /secrets/*; do printf '%s:%s\n' "$(basename "$file")" "$(cat "$file")"; done >/tmp/accounts
mosquitto_passwd -U /tmp/accounts
exec mosquitto -c /compose/mosquitto.conf
