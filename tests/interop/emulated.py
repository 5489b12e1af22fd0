"""What the cases of the interop job have in common: emulators, the programs that run against them, and checks.

What it is: `Bench`, which belongs to one case. It has a folder of its own, starts emulated devices and
clouds in it, runs `espctl` and the client that is not ours, and ends what it started.

What it is not: a case, nor any knowledge of the protocol.

Nothing may leave loopback or the case's folder, not even when a case goes wrong: every program gets a home,
a configuration and a log folder in there, a proxy that does not exist, should it look for another cloud, and
a system bus that does not exist, should it look for another Bluetooth.
"""

import json
import os
import pathlib
import queue
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).parent

# Fixed, because the client cannot open a device where SHA-512("wifiprov:…") begins with a zero byte.
POP = 'abcd1234'
SSID = 'Home'
PASSPHRASE = 'correct horse battery'
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
TIME_SCALE = 0.1

# Limits, not waits: each ends as soon as what it waits for happens.
READY_SECONDS = 20
CLIENT_SECONDS = 60
EXIT_SECONDS = 15

HERE_ONLY = ['--listen', '127.0.0.1', '--port', '0']
# The discard port, where nobody listens.
NO_PROXY_THERE = 'http://127.0.0.1:9'


class CaseFailed(Exception):
    """What a case expected and did not get."""


class Unlucky(Exception):
    """What came up by chance is more than the client can do; another device will do."""


class ZeroSalt(Unlucky):
    """The device drew a salt that the client gets wrong."""


class ShortAInAir(Unlucky):
    """The client drew a key that it sends short, and cannot connect by Bluetooth again."""


def check(condition, expected):
    if not condition:
        raise CaseFailed(expected)


def check_equal(what, got, expected):
    check(got == expected, f'{what}: expected {expected!r}, got {got!r}')


def check_in(what, part, whole):
    check(part in whole, f'{what}: expected {part!r} in {whole!r}')


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


class Bench:
    """One case's folder, and what runs in it until the end of the `with` block."""

    def __init__(self, espctl, folder):
        self.espctl_path = espctl
        self.folder = folder
        self.config = folder / 'rainmaker'
        self.programs = []
        self.outputs = []
        kept = {name: value for name, value in os.environ.items()
                if not name.upper().startswith(('ESPCTL_', 'ESP_RAINMAKER_', 'RM_', 'RMAKER_', 'HTTP', 'NO_PROXY'))}
        self.env = {**kept, 'HOME': str(folder), 'RM_USER_CONFIG_DIR': str(self.config),
                    'RMAKER_CLI_LOG_DIR': str(folder / 'client-logs'), 'PYTHONIOENCODING': 'utf-8',
                    'http_proxy': NO_PROXY_THERE, 'https_proxy': NO_PROXY_THERE, 'all_proxy': NO_PROXY_THERE,
                    'no_proxy': '127.0.0.1,localhost',
                    'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={folder / "no-bus"}'}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in reversed(self.programs):
            program.end()

    def start(self, program):
        self.programs.append(program)
        program.start()
        return program

    def device(self, *flags, time_scale=TIME_SCALE):
        """A new emulated device."""
        return self.start(Device(self, flags, time_scale))

    def in_air(self, *flags):
        """A new emulated device that is reached by Bluetooth, through an emulated adapter on a bus of its own."""
        bus = self.start(DBusDaemon(self))
        return self.start(DeviceInAir(self, bus.address, flags))

    def on_network(self, *flags):
        """A new emulated device that is on its network already, and announces nothing."""
        return self.start(OnNetworkDevice(self, flags))

    def cloud(self, *flags):
        """A new emulated cloud."""
        return self.start(Cloud(self, flags))

    def run(self, command, limit=CLIENT_SECONDS, **environment):
        """Runs a program to its end. It is given one empty line to read: an Enter."""
        name = pathlib.Path(command[0]).name
        try:
            done = subprocess.run(command, input='\n', capture_output=True, text=True, encoding='utf-8',
                                  timeout=limit, check=False, env={**self.env, **environment})
        except subprocess.TimeoutExpired as late:
            raise CaseFailed(f'{name} to end within {limit} s; it printed\n{late.stdout}') from None
        self.outputs.append(f'$ {" ".join(command)}\n{done.stdout}{done.stderr[-2000:]}\nended with {done.returncode}')
        return done

    def espctl(self, *arguments, code=0, **environment):
        """Runs espctl; answers its last line, the result."""
        done = self.run([self.espctl_path, *arguments, '--format', 'json', '--no-input'], **environment)
        check_equal(f'exit code of espctl {arguments[0]}', done.returncode, code)
        return json_lines(done.stdout)[-1]

    def incumbent(self, *arguments):
        """Runs the client's own command line; answers what it says. Its exit code is 0 even for a failure."""
        done = self.run([str(pathlib.Path(sys.executable).parent / 'esp-rainmaker-cli'), *arguments])
        check_equal(f'exit code of esp-rainmaker-cli {arguments[0]}', done.returncode, 0)
        return done.stdout + done.stderr

    def evidence(self):
        """For a failed case: what each side said last, as lines."""
        lines = []
        texts = [('programs', '\n'.join(self.outputs))]
        for program in self.programs:
            for file in (program.log_file, program.stderr_file):
                texts.append((file.name, file.read_text(encoding='utf-8') if file.exists() else ''))
        for name, text in texts:
            lines.append(f'--- {name}')
            lines += text.splitlines()[-40:]
        return lines


class Program:
    """A program that runs until the end of the case, and prints a line when it is ready."""

    def __init__(self, bench, kind, command):
        self.bench = bench
        name = f'{kind}-{len(bench.programs) + 1}'
        self.log_file = bench.folder / f'{name}.jsonl'
        self.stderr_file = bench.folder / f'{name}.stderr'
        self.command = command
        self.process = None

    def start(self):
        """Starts it and waits for its first line, which it returns."""
        with open(self.stderr_file, 'wb') as stderr:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=stderr, text=True, env=self.bench.env)
        lines = queue.Queue()

        def read():
            for line in self.process.stdout:  # to the end, so that the pipe never fills up
                lines.put(line)
            lines.put('')

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        try:
            line = lines.get(timeout=READY_SECONDS)
        except queue.Empty:
            raise CaseFailed(f'a ready line within {READY_SECONDS} s') from None
        check(line, f'a ready line on the stdout of {self.command[0]}, which closed it instead')
        return line

    def end(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(EXIT_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class DBusDaemon(Program):
    """A bus of this case's own. bleak does not start on espctl's: that rejects one of its match rules."""

    def __init__(self, bench):
        address = f'unix:path={bench.folder / "bus"}'
        super().__init__(bench, 'dbus-daemon', ['dbus-daemon', '--session', '--nofork', '--nopidfile', '--nosyslog',
                                                '--address', address, '--print-address'])

    def start(self):
        self.address = super().start().strip()


class Emulator(Program):
    """One `espctl emulate` process."""

    def __init__(self, bench, kind, flags):
        super().__init__(bench, kind, [bench.espctl_path, 'emulate', kind])
        self.command += ['--log', str(self.log_file), *flags]

    def start(self):
        self.ready = json.loads(super().start())
        check_equal('event of the first line', self.ready.get('event'), 'ready')

    def log(self, *events):
        """Its log entries, all or those of the given kinds."""
        entries = json_lines(self.log_file.read_text(encoding='utf-8'))
        return [entry for entry in entries if not events or entry['event'] in events]


class Cloud(Emulator):
    """An emulated cloud with one account."""

    def __init__(self, bench, flags):
        super().__init__(bench, 'cloud', [*HERE_ONLY, *flags])


class OnNetworkDevice(Emulator):
    """An emulated device that needs only an owner, found by its address."""

    def __init__(self, bench, flags):
        super().__init__(bench, 'device', [*HERE_ONLY, '--transport', 'on-network', '--no-announce', *flags])


class Device(Emulator):
    """An emulated device that sees `NETWORKS`, by default one that is reached over HTTP."""

    def __init__(self, bench, flags, time_scale, medium=('--transport', 'softap', *HERE_ONLY)):
        networks = bench.folder / 'networks.json'
        networks.write_text(json.dumps(NETWORKS), encoding='utf-8')
        super().__init__(bench, 'device', [*medium, '--aps', str(networks), '--time-scale', str(time_scale), *flags])

    def place(self):
        """Where the client finds it: flags, and what else has to be in the environment."""
        return ['--address', f'127.0.0.1:{self.ready["port"]}'], {}

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
        """Runs a step of incumbent.py on this device with its secret; answers its exit code and its lines."""
        secret = self.ready.get('pop', '') if secret is None else secret
        secrets = []
        if sec_ver is not None:
            secrets += ['--sec-ver', str(sec_ver)]
        if sec_ver == 1 and secret:
            secrets += ['--pop', secret]
        if sec_ver in (2, None):
            secrets += ['--username', self.ready['username'], '--password', secret]
        done, steps = self.incumbent(subcommand, *secrets, *flags, limit=limit)
        return done.returncode, steps

    def incumbent(self, subcommand, *flags, limit=CLIENT_SECONDS):
        """Runs incumbent.py on this device; answers the ended process and its lines."""
        place, environment = self.place()
        done = self.bench.run([sys.executable, str(HERE / 'incumbent.py'), subcommand, *place, *flags],
                              limit, **environment)
        steps = json_lines(done.stdout)
        if any(not step['ok'] and 'zero_salt' in step for step in steps):
            raise ZeroSalt
        return done, steps


class DeviceInAir(Device):
    """Such a device that is reached by Bluetooth."""

    def __init__(self, bench, bus_address, flags):
        super().__init__(bench, flags, TIME_SCALE, ('--transport', 'ble', '--bus-address', bus_address))

    def place(self):
        return (['--transport', 'ble', '--address', self.ready['name']],
                {'DBUS_SYSTEM_BUS_ADDRESS': self.ready['bus_address']})

    def incumbent(self, subcommand, *flags, limit=CLIENT_SECONDS):
        done, steps = super().incumbent(subcommand, *flags, limit=limit)
        if short_as(steps):
            check_only_short_a_refused(self, steps)
            raise ShortAInAir
        return done, steps


def short_as(steps):
    """The lengths of the short A's that the client reports as refused."""
    return [step['a_bytes'] for step in steps if not step['ok'] and step.get('a_bytes', 384) < 384]


def check_only_short_a_refused(device, steps):
    """Whatever the device refused, it refused for a short A that the client owns up to. No other step failed."""
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
