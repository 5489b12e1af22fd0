#!/usr/bin/env python3
"""The interop job: esp-rainmaker-cli against espctl and its emulators, both ends checked.

    python tests/interop/run.py target/debug/espctl

What it is: the program. Its own cases are about provisioning: for each it starts one emulated device,
lets `incumbent.py` (a client that is not ours) work on it, and compares what the client says with what
the device logged. The cases about the account are in `account.py`; what both share is in `emulated.py`.
Run it with the interpreter of a virtual environment that has `requirements.txt` installed. All traffic
is loopback; what a case starts ends with it, and nothing else does. The last line is
`N passed, M failed`; the exit code is 0 only for no failure.

What it is not: a test of the client, nor of espctl alone (that is what `cargo test` does).

Faults of the client that are tolerated, both in Security 2 and both in values that begin with a zero byte:

* A public key A is sent short then, so one handshake in 256 is refused. It is retried, and counted as
  harmless only if the device logged the same short A. One case makes it happen on purpose.
* A salt loses that byte, so one device in 256 refuses the client for ever. The case is then done with
  another device, and its line says so.
"""

import importlib.metadata
import pathlib
import sys
import tempfile
import time

import account
from emulated import (HERE, LISTED, PASSPHRASE, POP, SSID, Bench, ZeroSalt, check, check_equal,
                      check_only_short_a_refused, check_wifi, short_as)

PACKAGE = 'esp-rainmaker-cli'

WRONG_PASSPHRASE = 'wrong horse battery'
HANDSHAKES = 200
HANDSHAKES_SECONDS = 200
# Devices for one case; two salts in a row that begin with a zero byte are one case in 65536.
DEVICES = 3


def provision(device, sec_ver):
    code, steps = device.client('provision', '--ssid', SSID, '--passphrase', PASSPHRASE, sec_ver=sec_ver)
    check_equal('exit code of the client', code, 0)
    check_equal('steps', [step['step'] for step in steps if step['ok']],
                ['version', 'session', 'scan', 'set', 'apply', 'status'])
    networks = next(step['networks'] for step in steps if step['step'] == 'scan')
    # The client takes each byte of a name for a character.
    names = [network['ssid'].encode('latin-1').decode('utf-8') for network in networks]
    check_equal('names of the networks', names, LISTED)
    device.check_ended_by_itself()
    check_only_short_a_refused(device, steps)
    check_equal('secured', [entry['scheme'] for entry in device.log('secured')], [sec_ver])
    check_wifi(device, [(SSID, PASSPHRASE)], ['wifi_applied', 'wifi_joined', 'service_stopped'])


def reset(device, sec_ver):
    code, steps = device.client('reset', '--ssid', SSID, '--passphrase', PASSPHRASE,
                                '--wrong-passphrase', WRONG_PASSPHRASE, sec_ver=sec_ver)
    check_equal('exit code of the client', code, 0)
    check_equal('steps', [step['step'] for step in steps if step['ok']],
                ['version', 'session', 'set', 'apply', 'status', 'reset', 'set', 'apply', 'status'])
    device.check_ended_by_itself()
    check_only_short_a_refused(device, steps)
    check_equal('accepted resets', [entry['accepted'] for entry in device.log('reset')], [True])
    check_wifi(device, [(SSID, WRONG_PASSPHRASE), (SSID, PASSPHRASE)],
               ['wifi_applied', 'reset', 'wifi_applied', 'wifi_joined', 'service_stopped'])


def wrong_secret(device, sec_ver):
    """The job can see a failure: with another secret nothing is secured, and a strike is counted."""
    code, steps = device.client('provision', '--ssid', SSID, '--passphrase', PASSPHRASE,
                                sec_ver=sec_ver, secret='not-the-secret')
    check_equal('exit code of the client', code, 1)
    check_equal('last step', (steps[-1]['step'], steps[-1]['ok']), ('session', False))
    device.check_alive()
    check_equal('secured or set', device.log('secured', 'wifi_set'), [])
    check_equal('strikes beyond short A\'s', len(device.log('strike')) - len(device.log('short_a')), 1)


def short_a(device, sec_ver):
    """A short A is refused and logged, costs a strike, and a whole one is welcome afterwards."""
    code, steps = device.client('handshakes', '1', '--short-a')
    check_equal('exit code of the client', code, 1)
    check(short_as(steps), 'a short A from the client')
    check_only_short_a_refused(device, steps)
    check_equal('strikes', len(device.log('strike')), 1)
    # At once: a device that only stumbled over the proof would have taken the key.
    asked = [entry for entry in device.log('request') if entry['endpoint'] == 'prov-session']
    check_equal('handshake messages until the refusal', len(asked), 1)
    code, _ = device.client('handshakes', '1')
    check_equal('exit code of the client', code, 0)
    device.check_alive()
    check_equal('secured', [entry['scheme'] for entry in device.log('secured')], [sec_ver])


def handshakes(device, sec_ver):
    code, steps = device.client('handshakes', str(HANDSHAKES), limit=HANDSHAKES_SECONDS)
    check_equal('exit code of the client', code, 0)
    device.check_alive()
    check_only_short_a_refused(device, steps)
    check_equal('secured', [entry['scheme'] for entry in device.log('secured')], [sec_ver] * HANDSHAKES)
    refused = len(short_as(steps))
    return f'{HANDSHAKES} secured, {refused} refused and retried for a short A'


def on_device(action, sec_ver, flags):
    """A case that is about one device and needs no cloud."""
    return lambda bench: action(bench.device('--sec-ver', str(sec_ver), *flags), sec_ver)


def cases():
    """(name, what to do on a bench)"""
    schemes = [
        ('sec0', 0, []),
        ('sec1 with PoP', 1, ['--pop', POP]),
        ('sec1 without PoP', 1, ['--no-pop']),
        ('sec2 patch 0', 2, ['--pop', POP, '--sec-patch-ver', '0']),
        ('sec2 patch 1', 2, ['--pop', POP, '--sec-patch-ver', '1']),
    ]
    for name, sec_ver, flags in schemes:
        yield f'{name}: provision', on_device(provision, sec_ver, flags)
        yield f'{name}: wrong passphrase, reset, provision', on_device(reset, sec_ver, flags)
    with_pop = ['--pop', POP]
    yield 'sec1: wrong PoP', on_device(wrong_secret, 1, with_pop)
    yield 'sec2: wrong password', on_device(wrong_secret, 2, with_pop)
    yield 'sec2: short A', on_device(short_a, 2, with_pop)
    yield f'sec2: {HANDSHAKES} handshakes', on_device(handshakes, 2, [*with_pop, '--max-strikes', '0'])
    yield from account.cases()


def run_case(espctl, action):
    """Answers whether it passed, and a remark."""
    for number in range(1, DEVICES + 1):
        with tempfile.TemporaryDirectory(prefix='espctl-interop-') as folder:
            bench = Bench(espctl, pathlib.Path(folder))
            try:
                with bench:
                    remark = action(bench)
                replaced = f'devices replaced for their salt: {number - 1}' if number > 1 else None
                return True, ', '.join(filter(None, (remark, replaced)))
            except ZeroSalt:
                continue
            except Exception as error:  # whatever it is, the other cases still run
                print(f'  {type(error).__name__}: {error}')
                bench.evidence()
                return False, None
    print(f'  {DEVICES} devices in a row drew a salt that begins with a zero byte')
    return False, None


def missing_package():
    """Why the client cannot be used, or None."""
    pinned = next(line.strip().partition('==')[2]
                  for line in (HERE / 'requirements.txt').read_text().splitlines() if line.startswith(PACKAGE))
    try:
        installed = importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        installed = 'none'
    if installed == pinned:
        return None
    return f'{PACKAGE} {pinned} is wanted, {installed} is installed: pip install -r {HERE / "requirements.txt"}'


def main():
    if len(sys.argv) != 2:
        print(f'usage: {sys.argv[0]} ESPCTL', file=sys.stderr)
        return 2
    reason = missing_package()
    if reason:
        print(reason)
        print('0 passed, 1 failed')
        return 1
    passed = failed = 0
    for name, action in cases():
        started = time.monotonic()
        ok, remark = run_case(sys.argv[1], action)
        seconds = time.monotonic() - started
        print(f'{"ok    " if ok else "FAILED"} {name} ({seconds:.1f} s){": " + remark if remark else ""}', flush=True)
        passed, failed = passed + ok, failed + (not ok)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
