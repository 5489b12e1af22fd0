# What is tried in the VM, in the order of a day: the device is looked for, asked, opened with a wrong PoP, given
# a wrong passphrase and its network, with Security 1, then another with 2 by a part of its name, and looked
# for when it is gone. Each run begins while BlueZ still closes the link of the one before. Not run by hand: see
# ble.sh.
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
provision() { # the exit code, the passphrase, the flags
    due="$1"
    passphrase="$2"
    shift 2
    run "$due" provision --ssid Home --passphrase "$passphrase" --no-cloud "$@"
}

right='correct horse battery'

device 1
run 0 discover
says /tmp/said '"name":"PROV_vmtest"'
says /tmp/said '"customer_id":1,"device_type":5'
run 0 device info --device-name PROV_vmtest
says /tmp/said '"sec_ver":1'
provision 5 "$right" --device-name PROV_vmtest --pop wrong123
provision 9 'wrong horse battery' --device-name PROV_vmtest --pop abcd1234
provision 0 "$right" --device-name PROV_vmtest --pop abcd1234
ends

device 2
provision 0 "$right" --device-name PROV_vm --pop abcd1234
ends

# BlueZ knows it still; it is not there all the same.
run 4 device info --device-name PROV_vmtest --discovery-timeout 3
