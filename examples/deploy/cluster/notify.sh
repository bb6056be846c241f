#!/bin/sh
# keepalived: notify_master "/etc/switchyard/notify.sh vip"
# Makes this node the holder of the sharing tag. Tried for half a minute: the daemon may be starting.
set -u
tag="${1:?usage: notify.sh TAG [CONFIG]}"
config="${2:-/etc/switchyard/switchyard.json}"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  switchyard mi --config "$config" cluster_shtag_set_active "$tag" && exit 0
  sleep 2
done
logger -p daemon.err "switchyard: the sharing tag $tag could not be taken"
exit 1
