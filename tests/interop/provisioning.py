"""The cases about provisioning over HTTP: esp-rainmaker-cli against an emulated device.

What it is: for each case one device, and what both ends have to say at its end. `provision` and
`wrong_secret` serve for devices that are reached in another way, too.

What it is not: the start of emulators and clients, which is `emulated.py`'s.
"""

from emulated import (LISTED, PASSPHRASE, POP, SSID, check, check_equal, check_only_short_a_refused, check_wifi,
                      short_as)

WRONG_PASSPHRASE = 'wrong horse battery'
HANDSHAKES = 200
HANDSHAKES_SECONDS = 200


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
    """The job can see a failure: with another secret nothing is secured, and a strike is counted.

    Answers the client's lines.
    """
    code, steps = device.client('provision', '--ssid', SSID, '--passphrase', PASSPHRASE,
                                sec_ver=sec_ver, secret='not-the-secret')
    check_equal('exit code of the client', code, 1)
    check_equal('last step', (steps[-1]['step'], steps[-1]['ok']), ('session', False))
    device.check_alive()
    check_equal('secured or set', device.log('secured', 'wifi_set'), [])
    check_equal('strikes beyond short A\'s', len(device.log('strike')) - len(device.log('short_a')), 1)
    return steps


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
    """A case that is about one device and needs no cloud. Its remark is what the action says, if it says something."""
    def case(bench):
        answer = action(bench.device('--sec-ver', str(sec_ver), *flags), sec_ver)
        return answer if isinstance(answer, str) else None

    return case


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
