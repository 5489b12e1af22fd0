#!/usr/bin/env bash
# avahi-daemon, a responder that nobody here wrote, announces devices; espctl finds and reads them.
#
#     tests/interop/avahi.sh target/debug/espctl
#
# What it is: opt-in, because it needs avahi-daemon (Debian: apt-get install --no-install-recommends
# avahi-daemon; it need not run) and network and mount namespaces. Everything happens in namespaces of its
# own: no other avahi-daemon is met, and nothing is heard outside. The last line is "passed"; the exit code
# is 0 only then.
#
# What it is not: a part of .ci/run.
set -euo pipefail

if [ $# -ne 1 ] || [ ! -x "$1" ]; then
    echo "usage: $0 ESPCTL" >&2
    exit 2
fi
if [ -z "${AVAHI_INSIDE:-}" ]; then
    command -v avahi-daemon >/dev/null || PATH="$PATH:/usr/sbin"
    command -v avahi-daemon >/dev/null || {
        echo "missing: avahi-daemon" >&2
        exit 1
    }
    export AVAHI_INSIDE=1 PATH
    exec unshare --user --map-root-user --net --mount --pid --fork --kill-child "$0" "$(realpath "$1")"
fi

espctl="$1"
folder="$(mktemp -d)"
trap 'code=$?; if [ $code -ne 0 ]; then cat "$folder"/*.log; echo "FAILED"; fi; rm -rf "$folder"' EXIT

# A cable whose one end has the address; /run and the services are the daemon's own.
ip link set lo up
ip link add eth0 type veth peer name eth1
ip link set eth0 up
ip link set eth1 up
ip addr add 192.168.1.100/24 dev eth0
mount -t tmpfs tmpfs /run
mkdir "$folder/services"
touch "$folder/avahi.log"
mount --bind "$folder/services" /etc/avahi/services
# The daemon wants its own user, and there is only one in here.
for file in passwd group; do
    sed '/^avahi:/d' "/etc/$file" >"$folder/$file"
done
echo 'avahi:x:0:0::/:/bin/false' >>"$folder/passwd"
echo 'avahi:x:0:' >>"$folder/group"
mount --bind "$folder/passwd" /etc/passwd
mount --bind "$folder/group" /etc/group

service() { # name, port, TXT records
    cat >"$folder/services/$1.service" <<XML
<?xml version="1.0" standalone="no"?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group>
  <name>$1</name>
  <service>
    <type>_esp_rmaker_chal_resp._tcp</type>
    <port>$2</port>
    $3
  </service>
</service-group>
XML
}
txt() {
    printf '<txt-record>%s</txt-record>' "$@"
}
service "Lamp No. 1" 8080 "$(txt node_id=NodeOfLamp port=80 sec_version=1 pop_required=true)"
service "Bare" 81 ""
service "Empty" 82 "$(txt node_id= sec_version= pop_required)"
service "Binary" 83 "$(txt sec_version=2)<txt-record value-format=\"binary-hex\">node_id=00ff80</txt-record>"

cat >"$folder/avahi.conf" <<CONF
[server]
host-name=bench
enable-dbus=no
allow-interfaces=eth0
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
CONF
avahi-daemon --file "$folder/avahi.conf" --no-drop-root --no-chroot --no-rlimits >"$folder/avahi.log" 2>&1 &

# One of them is really there.
"$espctl" emulate device --transport on-network --no-announce --listen 192.168.1.100 --port 8080 \
    --node-id NodeOfLamp --pop abcd1234 >"$folder/ready" 2>"$folder/device.log" &

for _ in $(seq 100); do
    if grep -q 'Server startup complete' "$folder/avahi.log" && [ -s "$folder/ready" ]; then
        break
    fi
    sleep 0.1
done
grep -q 'Server startup complete' "$folder/avahi.log"

started="$(date +%s%N)"
"$espctl" device info --transport on-network --device-name "Lamp No. 1" --discovery-timeout 20 --format json \
    >"$folder/info.log"
echo "found by name after $((($(date +%s%N) - started) / 1000000)) ms"
"$espctl" device info --transport on-network --device-host bench.local --device-port 8080 --format json \
    >"$folder/host.log"
echo "found by host name"
"$espctl" discover --transport on-network --discovery-timeout 4 --format json >"$folder/discover.log"
python3 - "$folder" <<'PYTHON'
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])


def result(name):
    return json.loads((folder / name).read_text(encoding='utf-8').splitlines()[-1])


for name in ('info.log', 'host.log'):
    assert result(name)['version']['capabilities'] == ['ch_resp'], name
found = {device['name']: device for device in result('discover.log')['devices']}
said = {name: (device['address'], device['node_id'], device['sec_ver'], device['pop_required'])
        for name, device in found.items()}
expected = {
    'Lamp No. 1': ('192.168.1.100:8080', 'NodeOfLamp', 1, True),
    'Bare': ('192.168.1.100:81', None, None, None),
    'Empty': ('192.168.1.100:82', None, None, None),
    'Binary': ('192.168.1.100:83', None, 2, None),
}
assert said == expected, said
assert all(one["version"] is None for one in found.values()), "discover touched a device"
print(f'{len(found)} announcements read')
PYTHON
echo "passed"
