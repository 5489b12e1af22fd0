#!/usr/bin/env python3
"""The interop job: esp-rainmaker-cli against `espctl emulate device`, both ends checked.

    python tests/interop/run.py target/debug/espctl

What it is: for each case it starts one emulated device, lets `incumbent.py` (a client that is not
ours) work on it, and compares what the client says with what the device logged. Run it with the
interpreter of a virtual environment that has `requirements.txt` installed. All traffic is loopback;
the emulated device is the only process it starts besides the client, and the only one it ends.
The last line is `N passed, M failed`; the exit code is 0 only for no failure.

What it is not: a test of the client, nor of espctl's own provisioning (that is what `cargo test` does).

Faults of the client that are tolerated, both in Security 2 and both in values that begin with a zero byte:

* A public key A is sent short then, so one handshake in 256 is refused. It is retried, and counted as
  harmless only if the device logged the same short A. One case makes it happen on purpose.
* A salt loses that byte, so one device in 256 refuses the client for ever. The case is then done with
  another device, and its line says so.
"""

import importlib.metadata
import json
import pathlib
import queue
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent
PACKAGE = 'esp-rainmaker-cli'

# Fixed, because the client cannot open a device where SHA-512("wifiprov:…") begins with a zero byte.
POP = 'abcd1234'
SSID = 'Home'
PASSPHRASE = 'correct horse battery'
WRONG_PASSPHRASE = 'wrong horse battery'
# What the device sees, strongest first, which is the order it reports them in. The client does not
# know kinds of authentication from 9 (OWE) on, and leaves such a network out of its list.
NETWORKS = [
    {'ssid': SSID, 'passphrase': PASSPHRASE, 'channel': 6, 'rssi': -44},
    {'ssid': 'Guest', 'channel': 1, 'rssi': -51},
    {'ssid': 'Home-WPA3', 'passphrase': PASSPHRASE, 'auth': 'wpa3-psk', 'channel': 6, 'rssi': -58},
    {'ssid': 'Caf\u00e9 \u5bb6', 'passphrase': PASSPHRASE, 'channel': 3, 'rssi': -72},
    {'ssid': 'Metro', 'auth': 'owe', 'channel': 11, 'rssi': -77},
]
LISTED = [network['ssid'] for network in NETWORKS if network.get('auth') != 'owe']
# The device's own waits are shortened: what it says is looked at here, not how long it takes.
TIME_SCALE = '0.1'
HANDSHAKES = 200
# Devices for one case; two salts in a row that begin with a zero byte are one case in 65536.
DEVICES = 3

# Limits, not waits: each ends as soon as what it waits for happens.
READY_SECONDS = 20
CLIENT_SECONDS = 60
HANDSHAKES_SECONDS = 200
EXIT_SECONDS = 15


class CaseFailed(Exception):
    """What a case expected and did not get."""


class ZeroSalt(Exception):
    """The device drew a salt that the client gets wrong."""


def check(condition, expected):
    if not condition:
        raise CaseFailed(expected)


def check_equal(what, got, expected):
    check(got == expected, f'{what}: expected {expected!r}, got {got!r}')


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


class Device:
    """One `espctl emulate device` process, ended at the end of the `with` block if it still runs."""

    def __init__(self, espctl, folder, flags):
        self.log_file = folder / 'device.jsonl'
        self.stderr_file = folder / 'device.stderr'
        networks = folder / 'networks.json'
        networks.write_text(json.dumps(NETWORKS), encoding='utf-8')
        self.command = [espctl, 'emulate', 'device', '--transport', 'softap', '--listen', '127.0.0.1',
                        '--port', '0', '--aps', str(networks), '--time-scale', TIME_SCALE,
                        '--log', str(self.log_file), *flags]

    def __enter__(self):
        with open(self.stderr_file, 'wb') as stderr:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=stderr, text=True)
        lines = queue.Queue()

        def read():
            for line in self.process.stdout:  # to the end, so that the pipe never fills up
                lines.put(line)
            lines.put('')

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        try:
            line = lines.get(timeout=READY_SECONDS)
            check(line, 'a ready line on stdout, which the device closed instead')
            self.ready = json.loads(line)
            check_equal('event of the first line', self.ready.get('event'), 'ready')
        except BaseException as error:
            self.__exit__()
            if isinstance(error, queue.Empty):
                raise CaseFailed(f'a ready line within {READY_SECONDS} s') from error
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(EXIT_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    def check_ended_by_itself(self):
        """A provisioned device stops its service and its process ends, with 0."""
        try:
            code = self.process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            raise CaseFailed(f'the device to end within {EXIT_SECONDS} s of its success') from None
        check_equal('exit code of the device', code, 0)

    def check_alive(self):
        check(self.process.poll() is None, f'a living device; it ended with {self.process.poll()}')

    def client(self, subcommand, *flags, sec_ver=None, secret=None, limit=CLIENT_SECONDS):
        """Runs incumbent.py on this device; answers its exit code and its lines."""
        secret = self.ready.get('pop', '') if secret is None else secret
        command = [sys.executable, str(HERE / 'incumbent.py'), subcommand,
                   '--address', f'127.0.0.1:{self.ready["port"]}']
        if sec_ver is not None:
            command += ['--sec-ver', str(sec_ver)]
        if sec_ver == 1 and secret:
            command += ['--pop', secret]
        if sec_ver in (2, None):
            command += ['--username', self.ready['username'], '--password', secret]
        try:
            done = subprocess.run(command + list(flags), stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired as late:
            raise CaseFailed(f'the client to end within {limit} s; it printed\n{late.stdout}') from None
        self.client_output = done.stdout + done.stderr[-2000:]
        steps = json_lines(done.stdout)
        if any(not step['ok'] and 'zero_salt' in step for step in steps):
            raise ZeroSalt
        return done.returncode, steps

    def log(self, *events):
        """The device's log entries, all or those of the given kinds."""
        entries = json_lines(self.log_file.read_text(encoding='utf-8'))
        return [entry for entry in entries if not events or entry['event'] in events]

    def evidence(self):
        """For a failed case: what each side said last."""
        for name, text in (('client', getattr(self, 'client_output', '')),
                           ('device log', self.log_file.read_text() if self.log_file.exists() else ''),
                           ('device stderr', self.stderr_file.read_text() if self.stderr_file.exists() else '')):
            print(f'  --- {name}')
            for line in text.splitlines()[-40:]:
                print(f'  {line}')


def short_as(steps):
    """The lengths of the short A's that the client reports as refused."""
    return [step['a_bytes'] for step in steps if not step['ok'] and step.get('a_bytes', 384) < 384]


def check_only_short_a_refused(device, steps):
    """Whatever the device refused, it refused for a short A that the client owns up to."""
    check_equal('short A\'s in the device\'s log', [entry['bytes'] for entry in device.log('short_a')],
                short_as(steps))
    refused = device.log('refused')
    check_equal('refused requests', len(refused), len(short_as(steps)))
    check_equal('failed steps', [step for step in steps if not step['ok'] and 'a_bytes' not in step], [])


def check_wifi(device, credentials, statuses):
    """The device was told exactly these credentials, in this order, and reported these last states."""
    check_equal('credentials', [(entry['ssid'], entry['passphrase']) for entry in device.log('wifi_set')],
                credentials)
    check_equal('order of events',
                [entry['event'] for entry in device.log('wifi_applied', 'wifi_joined', 'reset', 'service_stopped')],
                statuses)


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


def cases():
    """(name, flags of the device, Security version, what to do)"""
    schemes = [
        ('sec0', 0, []),
        ('sec1 with PoP', 1, ['--pop', POP]),
        ('sec1 without PoP', 1, ['--no-pop']),
        ('sec2 patch 0', 2, ['--pop', POP, '--sec-patch-ver', '0']),
        ('sec2 patch 1', 2, ['--pop', POP, '--sec-patch-ver', '1']),
    ]
    for name, sec_ver, flags in schemes:
        flags = ['--sec-ver', str(sec_ver), *flags]
        yield f'{name}: provision', flags, sec_ver, provision
        yield f'{name}: wrong passphrase, reset, provision', flags, sec_ver, reset
    sec1, sec2 = (['--sec-ver', sec_ver, '--pop', POP] for sec_ver in '12')
    yield 'sec1: wrong PoP', sec1, 1, wrong_secret
    yield 'sec2: wrong password', sec2, 2, wrong_secret
    yield 'sec2: short A', sec2, 2, short_a
    yield f'sec2: {HANDSHAKES} handshakes', [*sec2, '--max-strikes', '0'], 2, handshakes


def run_case(espctl, flags, sec_ver, action):
    """Answers whether it passed, and a remark."""
    for number in range(1, DEVICES + 1):
        with tempfile.TemporaryDirectory(prefix='espctl-interop-') as folder:
            device = Device(espctl, pathlib.Path(folder), flags)
            try:
                with device:
                    remark = action(device, sec_ver)
                replaced = f'devices replaced for their salt: {number - 1}' if number > 1 else None
                return True, ', '.join(filter(None, (remark, replaced)))
            except ZeroSalt:
                continue
            except Exception as error:  # whatever it is, the other cases still run
                print(f'  {type(error).__name__}: {error}')
                device.evidence()
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
    for name, flags, sec_ver, action in cases():
        started = time.monotonic()
        ok, remark = run_case(sys.argv[1], flags, sec_ver, action)
        seconds = time.monotonic() - started
        print(f'{"ok    " if ok else "FAILED"} {name} ({seconds:.1f} s){": " + remark if remark else ""}', flush=True)
        passed, failed = passed + ok, failed + (not ok)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
