#!/bin/sh
# What an engineer does with the .deb, installed on a machine that has nothing but Debian's minimal system; ends at the first thing that is not as it should be.
set -eu
fail() { echo "$1"; cat /run/fettle.log 2>/dev/null || true; exit 1; }

fettle --version
[ "$(stat -c '%U:%G %a' /etc/fettle/fettle.yaml)" = 'root:fettle 640' ] || fail 'the configuration is not for root and the gateway only'
[ "$(stat -c '%U %a' /var/lib/fettle)" = 'fettle 700' ] || fail 'the data directory is not for the gateway only'

# A port of its own choosing, as somebody would write it who has another service on 7171.
sed -i 's/127.0.0.1:7171/127.0.0.1:0/' /etc/fettle/fettle.yaml
as="setpriv --reuid fettle --regid fettle --init-groups --no-new-privs --"
$as fettle check /etc/fettle/fettle.yaml
$as fettle run -c /etc/fettle/fettle.yaml >/run/fettle.log 2>&1 &
gateway=$!
tries=0
until $as fettle status -c /etc/fettle/fettle.yaml 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || fail 'the gateway did not start'
  sleep 0.3
done
[ "$(stat -c '%U %a' /var/lib/fettle/first-login.txt)" = 'fettle 600' ] || fail 'the first secret is not for the gateway only'
kill -TERM "$gateway"
wait "$gateway" || fail 'the gateway did not end well'

# An upgrade asks nobody and keeps the configuration.
dpkg -i /fettle.deb </dev/null
grep -q '127.0.0.1:0' /etc/fettle/fettle.yaml || fail 'the upgrade wrote over the configuration'
dpkg -r fettle
[ ! -e /opt/fettle/bin ] || fail 'removal left the program behind'
[ -f /etc/fettle/fettle.yaml ] || fail 'removal took the configuration'
[ -f /var/lib/fettle/first-login.txt ] || fail 'removal took what was measured'
dpkg -P fettle
[ ! -e /etc/fettle/fettle.yaml ] && [ ! -e /var/lib/fettle ] || fail 'purge left something behind'
! getent passwd fettle || fail 'purge left the user behind'
echo 'all done'
