#!/bin/busybox sh
# The first process of the VM: brings up BlueZ with two controllers, runs the steps, switches off.
# Not run by hand: see ble.sh.
export PATH=/bin HOME=/root TERM=dumb

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
trace="$(sed -n 's/.*trace=\([01]\).*/\1/p' /proc/cmdline)"

end() { # what the last line says
    echo "$1"
    sync
    poweroff -f
}

while read -r module; do
    insmod "/lib/modules/$module" || echo "not loaded: $module"
done </lib/modules/order

echo 'root:x:0:0::/root:/bin/sh' >/etc/passwd
echo 'root:x:0:' >/etc/group
mkdir -p /run/dbus /etc/bluetooth
# One bus for root alone: no policy to get wrong.
cat >/etc/bus.conf <<'XML'
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
XML
cat >/etc/bluetooth/main.conf <<'CONF'
[Policy]
AutoEnable=true
CONF

dbus-daemon --config-file=/etc/bus.conf --nofork >/tmp/bus.log 2>&1 &
until [ -S /run/dbus/system_bus_socket ]; do
    sleep 0.1
done
if [ "$trace" = 1 ]; then
    dbus-monitor --system >/tmp/monitor.log 2>&1 &
    debug=-d
fi
bluetoothd -n ${debug:-} >/tmp/bluetoothd.log 2>&1 &
btvirt -l2 >/tmp/btvirt.log 2>&1 &
if [ "$trace" = 1 ]; then
    btmon >/tmp/btmon.log 2>&1 &
fi

is_powered() {
    dbus-send --system --print-reply --dest=org.bluez "/org/bluez/$1" \
        org.freedesktop.DBus.Properties.Get string:org.bluez.Adapter1 string:Powered 2>/dev/null |
        grep -q 'boolean true'
}
for adapter in hci0 hci1; do
    tries=0
    until is_powered "$adapter"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ]; then
            cat /tmp/bluetoothd.log /tmp/btvirt.log /tmp/bus.log
            end "$adapter did not come up"
        fi
        sleep 0.1
    done
done
echo "two controllers after $(cut -d ' ' -f 1 /proc/uptime) s"

verdict="a step failed"
if sh -e /steps.sh; then
    verdict="every step passed"
fi
if [ "$trace" = 1 ]; then
    for log in monitor btmon bluetoothd; do
        printf "\n== %s\n" "$log"
        cat "/tmp/$log.log"
    done
fi
end "$verdict"
