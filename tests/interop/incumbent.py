#!/usr/bin/env python3
"""Drives the provisioning code of esp-rainmaker-cli against one device, over HTTP or Bluetooth Low Energy.

What it is: a thin caller of that package's own functions (`rmaker_tools`), so that an emulated
device meets a client that nobody here wrote. Each step is one JSON line on stdout; what the package
prints itself goes to stderr. Exit code 0 only if every step succeeded.

What it is not: an implementation of the protocol. No message is built, sealed or read here, and
nothing of the package is corrected. Three of its faults are dealt with from outside, visibly:

* A public key A with a leading zero is sent one byte short, and a device refuses it. The session
  is then tried again on a new connection, with a line that says so (`a_bytes`).
* A salt with a leading zero is stripped of it, and the proof is wrong for as long as the device has
  that salt. Nothing helps; the failed step says so (`zero_salt`).
* Over HTTP it talks to 192.168.4.1 only. `as-shipped` and `typed` give it another address; the other
  subcommands call the functions below that constant.

Over Bluetooth its own transport is used (bleak), which finds BlueZ where DBUS_SYSTEM_BUS_ADDRESS says.
Two more faults are there:

* bleak lists the services of a device once it hears that BlueZ has resolved them, and BlueZ tells of them
  just after that. So bleak is made to hear BlueZ out first (`hear_bluez_out`).
* A device that BlueZ has connected before is not connected again. So a short A is not tried again.
"""

import argparse
import json
import os
import sys
import time

# Everything the package prints is for a person. Our lines are for a program: keep them apart.
LINES = os.fdopen(os.dup(1), 'w', buffering=1)
os.dup2(2, 1)

from rmaker_tools.common.security import security2  # noqa: E402
from rmaker_tools.rmaker_prov import challenge_response, esp_rainmaker_prov  # noqa: E402
from rmaker_tools.rmaker_prov.prov import prov_util  # noqa: E402

# Bytes of A that a Security 2 device insists on.
A_BYTES = 384
# Short A happens once in 256 handshakes; four in a row is something else.
SHORT_A_TRIES = 4
POLL_SECONDS = 0.1
# The package itself would wait for ever.
JOIN_SECONDS = 60
STARTED = time.monotonic()


class StepFailed(Exception):
    """A step said no; its line is already printed."""


class WatchedSrp(security2.Srp6a):
    """The package's own arithmetic; only looked at."""

    last = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.salt = None
        WatchedSrp.last = self

    def process_challenge(self, bytes_s, bytes_B):
        self.salt = bytes_s
        return super().process_challenge(bytes_s, bytes_B)


security2.Srp6a = WatchedSrp


def srp_facts():
    """What decides whether the package can succeed in the latest handshake; nothing for Security 0 and 1."""
    srp = WatchedSrp.last
    if srp is None:
        return {}
    facts = {'a_bytes': len(security2.long_to_bytes(srp.A))}
    if srp.salt is not None and srp.salt[:1] == b'\0':
        facts['zero_salt'] = True
    return facts


def line(step, ok, **facts):
    elapsed_ms = round((time.monotonic() - STARTED) * 1000)
    print(json.dumps({'step': step, 'ok': ok, 'elapsed_ms': elapsed_ms, **facts}), file=LINES)


def step(name, action, good=bool, **facts):
    """Runs one step of the package and prints its line."""
    try:
        answer = action()
    except Exception as error:  # the package raises whatever came up
        line(name, False, error=f'{type(error).__name__}: {error}', **facts, **srp_facts())
        raise StepFailed(name) from error
    if not good(answer):
        line(name, False, answer=answer, **facts, **srp_facts())
        raise StepFailed(name)
    return answer


def connect(args):
    if args.transport == 'ble':
        hear_bluez_out()
    return prov_util.get_transport(args.transport, args.address)


def hear_bluez_out():
    """Lets bleak ask BlueZ something once services are resolved: what was told before the answer is then heard."""
    from bleak.backends.bluezdbus import manager
    from dbus_fast import Message

    class Hearing(manager.BlueZManager):
        async def _wait_for_services_discovery(self, device_path):
            await super()._wait_for_services_discovery(device_path)
            manager.assert_reply(await self._bus.call(Message(
                destination='org.bluez', path='/', interface='org.freedesktop.DBus.ObjectManager',
                member='GetManagedObjects')))

    manager.BlueZManager = Hearing


def close(args, transport):
    # The package leaves this to the end of the process.
    if args.transport == 'ble':
        transport.disconnect()
    else:
        transport.conn.close()


def version(transport):
    """The `prov` part of the version document."""
    document = step('version', lambda: prov_util.get_version(transport))
    info = json.loads(document)['prov']
    line('version', True, document=document)
    return info


def new_security(args, patch):
    return prov_util.get_security(args.sec_ver, patch, args.username, args.password, args.pop)


def open_session(args, patch, transport):
    """Establishes a session; a short A is tried again, anything else is a failure.

    Returns the transport too: a refusing device closes the connection.
    """
    for attempt in range(1, SHORT_A_TRIES + 1):
        security = new_security(args, patch)
        try:
            ok = prov_util.establish_session(transport, security)
            error = None
        except Exception as caught:
            ok, error = False, f'{type(caught).__name__}: {caught}'
        facts = {'attempt': attempt, **srp_facts()}
        if ok:
            line('session', True, **facts)
            return transport, security
        line('session', False, error=error, **facts)
        close(args, transport)
        if facts.get('a_bytes', A_BYTES) == A_BYTES or args.transport == 'ble':
            break
        transport = connect(args)
    raise StepFailed('session')


def begin(args):
    transport = step('connect', lambda: connect(args))
    info = version(transport)
    return open_session(args, info.get('sec_patch_ver', 0), transport)


def scan(args, transport, security):
    found = step('scan', lambda: prov_util.scan_wifi_APs(args.transport, transport, security))
    line('scan', True, networks=found)


def set_and_apply(transport, security, ssid, passphrase):
    step('set', lambda: prov_util.send_wifi_config(transport, security, ssid, passphrase))
    line('set', True, ssid=ssid)
    step('apply', lambda: prov_util.apply_wifi_config(transport, security))
    line('apply', True)


def wait_for(transport, security, wanted):
    """Polls the status until it is `wanted`. Anything but `connecting` on the way is a failure."""
    deadline = time.monotonic() + JOIN_SECONDS
    polls = 0
    while True:
        state = step('status', lambda: prov_util.get_wifi_config(transport, security),
                     good=lambda state: state in ('connecting', wanted), wanted=wanted)
        polls += 1
        if state == wanted:
            line('status', True, state=state, polls=polls)
            return
        if time.monotonic() > deadline:
            line('status', False, state=state, polls=polls, wanted=wanted)
            raise StepFailed('status')
        time.sleep(POLL_SECONDS)


def provision(args):
    """version, session, scan, set, apply, status."""
    transport, security = begin(args)
    scan(args, transport, security)
    set_and_apply(transport, security, args.ssid, args.passphrase)
    wait_for(transport, security, 'connected')
    close(args, transport)


def reset(args):
    """A wrong passphrase, the failure, a reset, and the right one, all in one session."""
    transport, security = begin(args)
    set_and_apply(transport, security, args.ssid, args.wrong_passphrase)
    wait_for(transport, security, 'failed')
    step('reset', lambda: prov_util.ctrl_reset(transport, security))
    line('reset', True)
    set_and_apply(transport, security, args.ssid, args.passphrase)
    wait_for(transport, security, 'connected')
    close(args, transport)


def handshake(args, number, attempt, patch):
    """One handshake on a connection of its own; `None` says that a short A was refused."""
    transport = step('connect', lambda: connect(args), number=number)
    security = new_security(args, patch)
    try:
        ok = prov_util.establish_session(transport, security)
        # Both ends hold the same key only if something sealed makes the round trip.
        state = prov_util.get_wifi_config(transport, security) if ok else None
        error = None
    except Exception as caught:
        ok, state, error = False, None, f'{type(caught).__name__}: {caught}'
    finally:
        close(args, transport)
    ok = bool(ok) and state == 'connecting'
    facts = {'number': number, 'attempt': attempt, **srp_facts()}
    if error:
        facts['error'] = error
    line('handshake', ok, **facts)
    if ok:
        return True
    return None if facts['a_bytes'] != A_BYTES else False


def handshakes(args):
    """`count` handshakes in a row. All but a short A that was refused must succeed at once."""
    transport = step('connect', lambda: connect(args))
    patch = version(transport).get('sec_patch_ver', 0)
    close(args, transport)
    if args.short_a:
        send_short_a()
    for number in range(1, args.count + 1):
        for attempt in range(1, SHORT_A_TRIES + 1):
            outcome = handshake(args, number, attempt, patch)
            if outcome is not None or args.short_a:
                break
        if not outcome:
            raise StepFailed('handshake')


def send_short_a():
    """Lets the package draw its secret until A is short, as it is once in 256 times anyway."""
    class ShortA(WatchedSrp):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            while len(security2.long_to_bytes(self.A)) == A_BYTES:
                super().__init__(*args, **kwargs)

    security2.Srp6a = ShortA


def sign(args):
    """Has the device sign each of the texts, without a cloud."""
    transport, security = begin(args)
    for text in args.texts:
        ok, node_id, signature = step(
            'signed', lambda: challenge_response.send_challenge_to_device(transport, security, text),
            good=lambda answer: answer[0])
        line('signed', ok, text=text, node_id=node_id, signature=signature.hex())
    close(args, transport)


def replace_address(args):
    """Whatever device the package looks for, it finds the one at the given address."""
    get_transport = prov_util.get_transport
    prov_util.get_transport = lambda kind, _service: get_transport(kind, args.address)


def typed(args):
    """The package's whole command line, as it is typed; only the device's address is replaced.

    Its exit code says little, since it is 0 for most failures. What it says goes to stderr.
    """
    # Here, because it takes long: the benchmark times the other subcommands.
    from rainmaker import rainmaker
    replace_address(args)
    sys.argv = ['esp-rainmaker-cli', *args.words]
    try:
        code = rainmaker.main()
    except SystemExit as ended:
        code = ended.code
    facts = srp_facts()
    # With either of these no session can have come about.
    ok = not code and facts.get('a_bytes', A_BYTES) == A_BYTES and 'zero_salt' not in facts
    line('typed', ok, code=code or 0, **facts)
    if not ok:
        raise StepFailed('typed')


def as_shipped(args):
    """The package's own `provision_device`, with the waits it ships with; scheme read from the device.

    Two things differ from its command line: the address, and that the user–node association is
    left out (it needs an account), which spares it one request.
    """
    replace_address(args)
    esp_rainmaker_prov.custom_config = lambda *_: (0, 'not-associated')
    answer = step('provision', lambda: esp_rainmaker_prov.provision_device(
        args.transport, args.pop, '', '', ssid=args.ssid, passphrase=args.passphrase, no_retry=True,
        sec2_username=args.username, sec2_password=args.password),
        good=lambda answer: answer is not None and answer[0] is not None)
    line('provision', True, node_id=answer[0])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def address(sub):
        sub.add_argument('--address', required=True, metavar='HOST:PORT', help='by Bluetooth, the advertised name')

    def command(run, name, wifi):
        sub = commands.add_parser(name, help=run.__doc__)
        sub.set_defaults(run=run)
        address(sub)
        sub.add_argument('--transport', choices=('softap', 'ble'), default='softap')
        sub.add_argument('--pop', default='')
        sub.add_argument('--username', default='')
        sub.add_argument('--password', default='')
        if wifi:
            sub.add_argument('--ssid', required=True)
            sub.add_argument('--passphrase', required=True)
        return sub

    def scheme(sub):
        sub.add_argument('--sec-ver', type=int, choices=(0, 1, 2), required=True)

    scheme(command(provision, 'provision', wifi=True))
    sub = command(reset, 'reset', wifi=True)
    scheme(sub)
    sub.add_argument('--wrong-passphrase', required=True)
    sub = command(handshakes, 'handshakes', wifi=False)
    sub.set_defaults(sec_ver=2)
    sub.add_argument('count', type=int)
    sub.add_argument('--short-a', action='store_true', help='make every A short; none may be retried')
    sub = command(sign, 'sign', wifi=False)
    scheme(sub)
    sub.add_argument('texts', nargs='+')
    command(as_shipped, 'as-shipped', wifi=True)
    sub = commands.add_parser('typed', help=typed.__doc__)
    sub.set_defaults(run=typed)
    address(sub)
    sub.add_argument('words', nargs='+', help='after --: provision, and what else is typed')
    return parser.parse_args()


def main():
    args = arguments()
    try:
        args.run(args)
    except StepFailed:
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
