#!/usr/bin/env bash
# The shipped client and an emulated device, with real BlueZ and a real kernel between them, in a VM.
#
#     tests/vm/ble.sh
#
# What it is: opt-in, because it downloads about 100 MB of Debian packages (once, into target/vm/) and
# needs a minute. Debian 12 on x86-64, root or not, no /dev/kvm, no Bluetooth. Nothing is installed: the packages
# are unpacked, and those for the VM put into an initramfs together with espctl and the example `peripheral`. In
# there, btvirt gives the kernel two controllers; the device is on the one, espctl on the other. The
# last line is "passed"; the exit code is 0 only then.
#
#     TRACE=1      shows what the bus, bluetoothd and the controllers said, too
#     STEPS=FILE   runs this instead of tests/vm/steps.sh
#     EXTRA=FILE   takes one more program along, into /bin
#
# What it is not: a part of .ci/run. guest.sh is the VM's first process, steps.sh the cases.
set -euo pipefail

# For the VM alone, in seconds; it takes 30.
limit=300

cd "$(dirname "$0")/../.."
here="$PWD/tests/vm"
folder="$PWD/target/vm"
debs="$folder/debs"
unpacked="$folder/unpacked"
image="$folder/image"
steps="$(realpath "${STEPS:-$here/steps.sh}")"
mkdir -p "$debs/partial"
trap 'code=$?; if [ $code -ne 0 ]; then echo "FAILED"; fi' EXIT

missing() {
    echo "missing: $1" >&2
    exit 1
}
for program in apt-get cargo dpkg gzip ldd strip timeout; do
    command -v "$program" >/dev/null || missing "$program"
done

# A cloud kernel has no Bluetooth; this package depends on the one that has.
kernel_package="$(apt-cache depends linux-image-amd64 | awk '$1 == "Depends:" { print $2; exit }')"
[ -n "$kernel_package" ] || missing "linux-image-amd64; apt-get update lists it"
if [ ! -e "$folder/$kernel_package" ]; then
    rm -rf "$debs" "$unpacked" && mkdir -p "$debs/partial"
    # What the VM has of its own, then what this computer lacks of the rest and of qemu.
    (cd "$debs" && apt-get download -q bluez bluez-test-tools busybox-static dbus-bin dbus-daemon "$kernel_package")
    apt-get install -q -y --no-install-recommends --download-only -o Debug::NoLocking=1 \
        -o Dir::Cache::archives="$debs" qemu-system-x86 bluez bluez-test-tools dbus-daemon
    for deb in "$debs"/*.deb; do
        dpkg -x "$deb" "$unpacked"
    done
    touch "$folder/$kernel_package"
fi
versions="$(cd "$debs" && ls | sed -n 's/^\(bluez\|linux-image[^_]*\|qemu-system-x86\)_\([^_]*\)_.*/\1 \2/p' | sed 's/%3a/:/' | paste -sd,)"
busybox="$unpacked/bin/busybox"
kernel="$(echo "$unpacked"/boot/vmlinuz-*)"
version="${kernel##*/vmlinuz-}"
libraries="$unpacked/usr/lib/x86_64-linux-gnu:$unpacked/lib/x86_64-linux-gnu"

# One by one: what only tests need would get into espctl otherwise.
cargo build --quiet --bin espctl
cargo build --quiet --example peripheral

# The image: programs and the libraries that they name, modules in the order in which they load.
rm -rf "$image"
mkdir -p "$image"/{bin,dev,etc,lib/modules,proc,root,run,sys,tmp,var/lib/bluetooth}
ln -s /run "$image/var/run"
copy() { # from where, to which name
    local library
    install -D "$1" "$image/$2"
    strip "$image/$2" 2>/dev/null || true
    { LD_LIBRARY_PATH="$libraries" ldd "$1" 2>/dev/null || true; } >"$folder/ldd"
    if grep -q 'not found' "$folder/ldd"; then
        missing "$(grep 'not found' "$folder/ldd") for $1"
    fi
    for library in $(grep -o '/[^ ]*' "$folder/ldd"); do
        if [ "${library##*/}" = ld-linux-x86-64.so.2 ]; then
            install -D "$library" "$image/lib64/ld-linux-x86-64.so.2"
        elif [ ! -e "$image/lib/${library##*/}" ]; then
            install "$library" "$image/lib/${library##*/}"
        fi
    done
}
copy "$busybox" bin/busybox
copy "$unpacked/usr/libexec/bluetooth/bluetoothd" bin/bluetoothd
for program in btmgmt btmon btvirt dbus-daemon dbus-monitor dbus-send; do
    copy "$unpacked/usr/bin/$program" "bin/$program"
done
copy target/debug/espctl bin/espctl
copy target/debug/examples/peripheral bin/peripheral
if [ -n "${EXTRA:-}" ]; then
    copy "$EXTRA" "bin/${EXTRA##*/}"
fi
install "$here/guest.sh" "$image/init"
install "$steps" "$image/steps.sh"

"$busybox" depmod -b "$unpacked" "$version"
modules="$unpacked/lib/modules/$version"
# hci_vhci is the controller's side; the others are what the kernel's SMP and bluetoothd compute with, by names
# that nothing loads for them here.
for name in ctr sha256_generic sha512_generic hmac drbg cmac ecb ccm algif_hash algif_skcipher hci_vhci; do
    grep -E "(^|/)$name\.ko:" "$modules/modules.dep" || true
done | while IFS=: read -r module needed; do
    # What is needed comes last first.
    for path in $(echo "$needed" | tr ' ' '\n' | tac) "$module"; do
        if [ ! -e "$image/lib/modules/${path##*/}" ]; then
            install -m 644 "$modules/$path" "$image/lib/modules/${path##*/}"
            echo "${path##*/}" >>"$image/lib/modules/order"
        fi
    done
done
grep -q hci_vhci "$image/lib/modules/order"

(cd "$image" && find . | "$busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$folder/initramfs.gz"
echo "$versions; an initramfs of $(($(stat -c %s "$folder/initramfs.gz") / 1048576)) MB"

# Its own where it is not installed. The VM's clock counts instructions (-icount), and goes on at once where
# there is nothing to do: limits of seconds hold on a computer that has others at work, too.
qemu="$unpacked/usr/bin/qemu-system-x86_64"
[ -x "$qemu" ] || qemu="$(command -v qemu-system-x86_64)"
code=0
started="$(date +%s)"
LD_LIBRARY_PATH="$libraries" timeout "$limit" "$qemu" \
    -L "$unpacked/usr/share/qemu" -L "$unpacked/usr/share/seabios" \
    -accel tcg,thread=single -icount shift=1,sleep=off -cpu max -m 1024 -nographic -no-reboot -nic none \
    -kernel "$kernel" -initrd "$folder/initramfs.gz" \
    -append "console=ttyS0 quiet panic=-1 trace=${TRACE:-0}" \
    </dev/null 2>&1 | sed -u 's/\r//g; s/\x1b[][()?0-9;]*[a-zA-Z]//g; s/\x1bc//g' | tee "$folder/console.log" || code=$?
if [ "$code" -eq 124 ]; then
    echo "the VM did not end within $limit s" >&2
    exit 1
fi
echo "the VM took $(($(date +%s) - started)) s"
# It has no exit code of its own.
grep -q '^every step passed$' "$folder/console.log" || exit 1
echo "passed"
