#!/usr/bin/env python3
"""The interop job: esp-rainmaker-cli against espctl and its emulators, both ends checked.

    python tests/interop/run.py target/debug/espctl

What it is: the program. A case starts emulators, lets a client that is not ours (`incumbent.py`, or its
own command line) work on them, and compares what the client says with what the emulators logged:

* `provisioning.py`: devices that are provisioned over HTTP.
* `bluetooth.py`: the same by Bluetooth Low Energy. The client's own transport (bleak) speaks to the emulated
  BlueZ on a `dbus-daemon` that each case starts. Most of such a case is bleak's search, which takes 5 seconds
  whatever it finds, so these cases run at the same time. Linux only.
* `account.py`: the account, with an emulated cloud.

What they share is in `emulated.py`. Run it with the interpreter of a virtual environment that has
`requirements.txt` installed. All traffic is loopback, or a socket in the case's folder; what a case starts
ends with it, and nothing else does. The last line is `N passed, M failed`; the exit code is 0 only for
no failure.

What it is not: a test of the client, nor of espctl alone (that is what `cargo test` does).

Faults of the client that are tolerated, both in Security 2 and both in values that begin with a zero byte:

* A public key A is sent short then, so one handshake in 256 is refused. It is retried, and counted as
  harmless only if the device logged the same short A. One case makes it happen on purpose.
* A salt loses that byte, so one device in 256 refuses the client for ever. The case is then done with
  another device, and its line says so. By Bluetooth this holds for a short A, too, since the client cannot
  connect to the same device twice.
"""

import concurrent.futures
import importlib.metadata
import pathlib
import sys
import tempfile
import time

import account
import bluetooth
import provisioning
from emulated import HERE, Bench, Unlucky

PACKAGE = 'esp-rainmaker-cli'

# Devices for one case, each of which is of no use once in 256 or 128 times.
DEVICES = 3


def run_case(espctl, name, action):
    """Answers whether it passed, and what to print."""
    started = time.monotonic()
    ok, remark, evidence = attempt(espctl, action)
    seconds = time.monotonic() - started
    head = f'{"ok    " if ok else "FAILED"} {name} ({seconds:.1f} s){": " + remark if remark else ""}'
    return ok, '\n'.join([*(f'  {line}' for line in evidence), head])


def attempt(espctl, action):
    """Answers whether it passed, a remark, and the lines that say why not."""
    unlucky = []
    while len(unlucky) < DEVICES:
        with tempfile.TemporaryDirectory(prefix='espctl-interop-') as folder:
            bench = Bench(espctl, pathlib.Path(folder))
            try:
                with bench:
                    remark = action(bench)
                replaced = f'devices replaced: {", ".join(unlucky)}' if unlucky else None
                return True, ', '.join(filter(None, (remark, replaced))), []
            except Unlucky as reason:
                unlucky.append(type(reason).__name__)
            except Exception as error:  # whatever it is, the other cases still run
                return False, None, [f'{type(error).__name__}: {error}', *bench.evidence()]
    return False, None, [f'no device of use in a row: {", ".join(unlucky)}']


def run_cases(espctl):
    """Runs every case; yields whether it passed, and what to print."""
    def run(case):
        return run_case(espctl, *case)

    yield from map(run, provisioning.cases())
    if bluetooth.AVAILABLE:
        together = list(bluetooth.cases())
        with concurrent.futures.ThreadPoolExecutor(len(together)) as pool:
            yield from pool.map(run, together)
    else:
        print('no cases by Bluetooth: devices are emulated there on Linux only')
    yield from map(run, account.cases())


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
    for ok, text in run_cases(sys.argv[1]):
        print(text, flush=True)
        passed, failed = passed + ok, failed + (not ok)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
