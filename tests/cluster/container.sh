#!/usr/bin/env bash
# Runs a command as a container with a read-only root would: container.sh VOLUME COMMAND…
#
# The command is process 1 of a user id without an entry in /etc/passwd. It gets PATH and the HOME that container engines give
# to such a user (/), and may write to nothing but an empty /tmp and /dev/shm, mounted as Docker does it (`--tmpfs /tmp`,
# 64 MB), and to VOLUME, mounted at /srv. Needs user namespaces; you need not be root.
set -euo pipefail
volume=$1
shift
export volume
exec unshare --user --map-root-user --mount --propagation private --pid --fork --kill-child --mount-proc bash -euc '
    mount --bind "$volume" /srv
    mount -t tmpfs -o mode=1777,nosuid,nodev,noexec tmpfs /tmp
    mount -t tmpfs -o mode=1777,nosuid,nodev,noexec,size=64m tmpfs /dev/shm
    findmnt -rno TARGET,OPTIONS | while read -r target options; do
        case $target in
            /srv | /tmp* | /proc* | /sys* | /dev*) ;;
            *) # a mount of the host keeps the flags that it is locked with
                flags=$(grep -oE "nosuid|nodev|noexec|relatime|noatime" <<<"$options" | paste -sd,)
                mount -o "remount,bind,ro,$flags" "$target"
                ;;
        esac
    done
    cd /srv
    exec unshare --user --map-user=54321 --map-group=54321 env -i PATH="$PATH" HOME=/ "$@"
' container "$@"
