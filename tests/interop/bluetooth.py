"""The cases by Bluetooth Low Energy: esp-rainmaker-cli's own transport against emulated devices.

What it is: the provisioning of each security scheme on each Bluetooth stack, and refused secrets. The
client's transport is bleak, which speaks to BlueZ over D-Bus. Each case has a dbus-daemon of its own with an
emulated BlueZ, so these cases may run at the same time.

What it is not: a test with a radio, or with BlueZ itself.
"""

import functools
import sys

import provisioning
from emulated import POP, check_equal, check_in

AVAILABLE = sys.platform == 'linux'


def provision(bench, stack, sec_ver, flags):
    device = bench.in_air('--stack', stack, '--sec-ver', str(sec_ver), '--pop', POP, *flags)
    provisioning.provision(device, sec_ver)
    # One connection, from the version to the status.
    for event in ('connection_opened', 'connection_closed'):
        check_equal(event, len(device.log(event)), 1)


def wrong_secret(bench, stack, sec_ver, att_error):
    """The refusal arrives as this stack words it, and only NimBLE keeps the link."""
    device = bench.in_air('--stack', stack, '--sec-ver', str(sec_ver), '--pop', POP)
    steps = provisioning.wrong_secret(device, sec_ver)
    check_in('error of the client', att_error, steps[-1]['error'])
    ends = [entry['why'] == 'by the client' for entry in device.log('connection_closed')]
    check_equal('ends of connections by the client', ends[-1:], [stack == 'nimble'])


def cases():
    """(name, what to do on a bench)"""
    schemes = [
        ('sec1', 1, []),
        ('sec2 patch 0', 2, ['--sec-patch-ver', '0']),
        ('sec2 patch 1', 2, ['--sec-patch-ver', '1']),
    ]
    for stack in ('nimble', 'bluedroid'):
        for name, sec_ver, flags in schemes:
            yield (f'{name} by Bluetooth, {stack}: provision',
                   functools.partial(provision, stack=stack, sec_ver=sec_ver, flags=flags))
    yield ('sec1 by Bluetooth, nimble: wrong PoP',
           functools.partial(wrong_secret, stack='nimble', sec_ver=1, att_error='Invalid PDU'))
    yield ('sec2 by Bluetooth, bluedroid: wrong password',
           functools.partial(wrong_secret, stack='bluedroid', sec_ver=2, att_error='0x85'))
