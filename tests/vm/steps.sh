# What is tried in the VM, in the order of a day: the device is looked for, asked, opened with a wrong PoP, given
# its network, with Security 1 and with 2, and looked for when it is gone. Not run by hand: see ble.sh.
set -e

now() { # in hundredths of a second
    cut -d ' ' -f 1 /proc/uptime | tr -d .
}
device() { # Security 1 or 2
    echo "-- a device with Security $1"
    peripheral hci1 PROV_vmtest "$1" 2>/tmp/device.log &
    device=$!
}
# The exit code that is due, then the flags. What it says is in /tmp/said and /tmp/told.
run() {
    due="$1"
    shift
    code=0
    started="$(now)"
    espctl "$@" --transport ble --adapter hci0 --format json -vv >/tmp/said 2>/tmp/told || code=$?
    took=$(($(now) - started))
    echo "espctl $*: exit code $code after ${took}0 ms"
    if [ "$code" -ne "$due" ]; then
        echo "$due was due"
        cat /tmp/told /tmp/said
        echo "== the device"
        cat /tmp/device.log
        exit 1
    fi
}
says() { # a file, what must be in it
    grep -q -- "$2" "$1" || {
        echo "not in $1: $2"
        cat "$1"
        exit 1
    }
}
# The device's service is over, and it saw its network.
ends() {
    code=0
    wait "$device" || code=$?
    [ "$code" -eq 0 ] || {
        echo "the device ended with $code"
        cat /tmp/device.log
        exit 1
    }
    says /tmp/device.log '"event":"wifi_joined"'
}
provision() {
    run "$@" --device-name PROV_vmtest --ssid Home --passphrase 'correct horse battery' --no-cloud
}

device 1
run 0 discover
says /tmp/said '"name":"PROV_vmtest"'
run 0 device info --device-name PROV_vmtest
says /tmp/said '"sec_ver":1'
provision 5 provision --pop wrong123
provision 0 provision --pop abcd1234
ends

device 2
provision 0 provision --pop abcd1234
ends

# BlueZ knows it still; it is not there all the same.
run 4 device info --device-name PROV_vmtest --discovery-timeout 3
