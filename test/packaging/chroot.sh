#!/bin/sh
# Tries the Debian package on a bare Debian in a folder of its own: made with debootstrap, used with chroot, removed at the end.
#
#   test/packaging/chroot.sh [--with-node] [SUITE [MIRROR]]        as root; SUITE: trixie (the default), bookworm ...
#
# Installs the package with apt and what it depends on, runs it as its user (version, check, db init, serve, mi,
# reload), looks for manual page and completions, installs it a second time over the first, purges it, and compares what is there with
# what was there before. Ends with "ok", or with what was wrong and exit status 1. --with-node: the package
# brings this machine's Node.js, for suites whose nodejs is older than 20.19.
set -eu

with_node=
if [ "${1:-}" = --with-node ]; then
  with_node=--with-node
  shift
fi
suite=${1:-trixie}
mirror=${2:-http://deb.debian.org/debian}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
system=$work/system
mounted=
daemon=
finish() {
  [ -z "$daemon" ] || kill -KILL "$daemon" 2> /dev/null || true
  [ -z "$mounted" ] || umount "$system/proc" || true
  case $work in /tmp/?* | /var/tmp/?*) rm -rf "$work" ;; esac
}
trap finish EXIT INT TERM
fail() {
  echo "FAILED on $suite: $*" >&2
  exit 1
}
say() { echo "-- $*"; }

say "package"
# shellcheck disable=SC2086
"$root/examples/deploy/debian/build.sh" $with_node "$work/deb" > "$work/build.log" 2>&1 || fail "it is not built: $(tail -5 "$work/build.log")"
deb=$(ls "$work/deb")

say "bare $suite"
debootstrap --variant=minbase "$suite" "$system" "$mirror" > "$work/bootstrap.log" 2>&1 ||
  fail "debootstrap: $(tail -3 "$work/bootstrap.log")"
# A mount of /proc may not be allowed where this runs; the program does without.
if mount -t proc proc "$system/proc" 2> /dev/null; then mounted=yes; fi
cp "$work/deb/$deb" "$system/root/"
cp /etc/resolv.conf "$system/etc/resolv.conf"
# No service is started in a chroot.
printf '#!/bin/sh\nexit 101\n' > "$system/usr/sbin/policy-rc.d"
chmod 755 "$system/usr/sbin/policy-rc.d"
inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$system" "$@"; }
files() { (cd "$system" && find etc usr var/lib home root run opt srv -xdev \( -path var/lib/apt -o -path var/lib/dpkg -o -path var/lib/systemd \) -prune -o -print) | sort; }

say "dependencies"
inside apt-get update > "$work/apt.log" 2>&1 || fail "apt-get update: $(tail -3 "$work/apt.log")"
depends=$(dpkg-deb --field "$work/deb/$deb" Depends | sed 's/([^)]*)//g; s/,/ /g')
# shellcheck disable=SC2086
inside apt-get install -y --no-install-recommends $depends > "$work/apt.log" 2>&1 || fail "$depends: $(tail -3 "$work/apt.log")"
files > "$work/before"
inside getent passwd > "$work/users-before"

say "install"
inside apt-get install -y --no-install-recommends "/root/$deb" > "$work/apt.log" 2>&1 || fail "install: $(tail -5 "$work/apt.log")"
[ "$(inside stat -c '%U %G %a' /etc/switchyard/switchyard.json)" = 'root switchyard 640' ] || fail "the mode of the settings"
for path in usr/share/man/man8/switchyard.8.gz usr/share/bash-completion/completions/switchyard \
  usr/share/zsh/vendor-completions/_switchyard usr/share/fish/vendor_completions.d/switchyard.fish lib/systemd/system/switchyard.service; do
  [ -e "$system/$path" ] || fail "/$path is missing"
done

say "run"
inside install -d -o switchyard -g switchyard -m 750 /run/switchyard
as() { inside setpriv --reuid switchyard --regid switchyard --clear-groups "$@"; }
as switchyard version > "$work/out" 2>&1 || fail "version: $(cat "$work/out")"
cat "$work/out"
# Before its table is made the check says what to do; afterwards there is nothing to complain of but the empty set.
if as switchyard check --config /etc/switchyard/switchyard.json > "$work/out" 2>&1; then fail "check says ok without a table"; fi
grep -q 'db init' "$work/out" || fail "check: $(cat "$work/out")"
as switchyard db init --config /etc/switchyard/switchyard.json > "$work/out" 2>&1 || fail "db init: $(cat "$work/out")"
as switchyard check --config /etc/switchyard/switchyard.json > "$work/out" 2>&1 || fail "check: $(cat "$work/out")"
# Each program of this line becomes the next: the process is the daemon's own.
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$system" setpriv --reuid switchyard --regid switchyard --clear-groups \
  switchyard serve --config /etc/switchyard/switchyard.json > "$work/serve.log" 2>&1 &
daemon=$!
tries=0
until as switchyard mi --config /etc/switchyard/switchyard.json version > "$work/out" 2>&1; do
  tries=$((tries + 1))
  [ $tries -lt 60 ] || fail "serve: $(tail -5 "$work/serve.log")"
  kill -0 $daemon 2> /dev/null || fail "serve ended: $(tail -5 "$work/serve.log")"
  sleep 0.5
done
as switchyard reload --config /etc/switchyard/switchyard.json > "$work/out" 2>&1 || fail "reload: $(cat "$work/out")"
as switchyard mi --config /etc/switchyard/switchyard.json ds_list > "$work/out" 2>&1 || fail "ds_list: $(cat "$work/out")"
kill -TERM $daemon
wait $daemon || fail "serve ended with $?"
daemon=

say "upgrade"
echo '// kept' >> "$system/etc/switchyard/switchyard.json"
inside apt-get install -y --reinstall "/root/$deb" > "$work/apt.log" 2>&1 || fail "upgrade: $(tail -5 "$work/apt.log")"
grep -q '^// kept' "$system/etc/switchyard/switchyard.json" || fail "an upgrade replaced the settings"

say "purge"
inside apt-get purge -y switchyard > "$work/apt.log" 2>&1 || fail "purge: $(tail -5 "$work/apt.log")"
rm -rf "$system/run/switchyard"
files > "$work/after"
inside getent passwd > "$work/users-after"
diff "$work/users-before" "$work/users-after" || fail "a user was left"
# Backups of the lists of users are adduser's own.
diff "$work/before" "$work/after" | grep '^[<>]' | grep -vE ' run/adduser$| etc/(passwd|group|shadow|gshadow|subuid|subgid)-$' && fail "files were left, or lost"
echo "ok: $deb on $suite"
