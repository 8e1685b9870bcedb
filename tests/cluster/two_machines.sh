# Two machines on this one, node1 (10.77.0.1) and node2 (10.77.0.2): each has a network, processes, a name, /tmp, /dev/shm,
# ~/.ray and ~/.ssh of its own; all other files are shared, as by NFS. Run by root inside
#     unshare --net --pid --mount --fork --mount-proc --kill-child bash
# and sourced there; `on 1 COMMAND` runs something on node1. Everything ends with that shell.
set -euo pipefail
own=(/tmp /dev/shm ~/.ray ~/.ssh)
mkdir -p "${own[@]}"
for place in ~/.ray ~/.ssh; do mount -t tmpfs none "$place"; done # the user's own are not touched
hosts=$(mktemp)
printf '127.0.0.1 localhost\n10.77.0.1 node1\n10.77.0.2 node2\n' >"$hosts"
mount --bind "$hosts" /etc/hosts
ip link set lo up
ip link add bridge0 type bridge
ip addr add 10.77.0.254/24 dev bridge0
ip link set bridge0 up

declare -A machine
for i in 1 2; do
    unshare --net --uts --pid --mount --fork --mount-proc bash -c "
        hostname node$i
        for place in ${own[*]}; do mount -t tmpfs none \$place; done
        exec -a machine sleep infinity" &
    until machine[$i]=$(pgrep -P $! -f '^machine'); do :; done
    ip link add "link$i" type veth peer name eth0 netns "${machine[$i]}"
    ip link set "link$i" master bridge0 up
    nsenter -t "${machine[$i]}" -n sh -c "
        ip link set lo up; ip addr add 10.77.0.$i/24 dev eth0; ip link set eth0 up"
done

on() {
    local i=$1
    shift
    nsenter -t "${machine[$i]}" -n -u -m -p "$@"
}
