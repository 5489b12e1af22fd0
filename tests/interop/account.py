"""The interop job's cases about the account: login, mapping, signatures and tokens.

What it is: esp-rainmaker-cli's own command line on `espctl emulate cloud` and on a configuration folder
that both programs use in turn, and the `cryptography` package as a second opinion on signatures.

What it is not: a program. `run.py` runs these cases with its own.

Faults of the client that are lived with:

* `login --profile NAME` asks NAME's host and keeps the tokens in the *current* profile. So NAME is made
  current first.
* Tokens whose claims need the characters - and _ are read with plain base64. The emulated cloud mints
  none of these unless it is told to, and then only espctl is asked.
* Its exit code is 0 for most failures. What it says and what the cloud logged counts.
* A SoftAP device is always at 192.168.4.1. `incumbent.py typed` replaces the address, and nothing else.
* The state of a device that joins is asked every 5 seconds, the first time after 5: the device has to
  stay that long, so it is not sped up as much as in the other cases.
"""

import base64
import functools
import json
import time
import urllib.error
import urllib.request

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from emulated import (PASSPHRASE, POP, SSID, check, check_equal, check_in, check_only_short_a_refused,
                      check_wifi, short_as)

PROFILE = 'lab'
USER = 'user@example.com'
PASSWORD = 'Interop-1'
TAGS = ['room:hall', 'floor:2']
METADATA = {'serial': 'a-17'}
NOTE = {'kept': ['by', 'both']}
# Long enough for a program to use a token that another has just renewed, and to wait for its end.
ACCESS_LIFE_SECONDS = 6
# A device that stays until it is asked after 5 seconds.
SLOWER = 0.5
# The client sends one A in 256 short.
SHORT_A_TRIES = 3
# Claims differ in every token.
LOGINS = 40
HTTP_SECONDS = 10

SHA256 = hashes.SHA256()
PSS = padding.PSS(padding.MGF1(SHA256), salt_length=32)
LONG_PSS = padding.PSS(padding.MGF1(SHA256), salt_length=padding.PSS.MAX_LENGTH)
ANY_PSS = padding.PSS(padding.MGF1(SHA256), salt_length=padding.PSS.AUTO)
PKCS1 = padding.PKCS1v15()


def new_cloud(bench, *flags):
    return bench.cloud('--user', USER, '--password', PASSWORD, *flags)


def espctl_logs_in(bench, cloud):
    """A profile of the cloud, made current, with a login: all by espctl."""
    bench.espctl('profile', 'add', PROFILE, '--base-url', cloud.ready['url'])
    bench.espctl('profile', 'switch', PROFILE)
    answer = bench.espctl('login', '--user-name', USER, ESPCTL_PASSWORD=PASSWORD)
    check_equal('user id', answer['account']['user_id'], cloud.ready['user_id'])


def espctl_provisions(bench, device):
    answer = bench.espctl('provision', '--profile', PROFILE, '--device-ip', '127.0.0.1',
                          '--device-port', str(device.ready['port']), '--pop', POP,
                          '--ssid', SSID, '--passphrase', PASSPHRASE)
    return answer['summary']


def nodes_of_espctl(bench):
    """The account's nodes by id."""
    return {node['node_id']: node for node in bench.espctl('node', 'list', '--profile', PROFILE)['nodes']}


def mapped(cloud):
    """Each mapping that the cloud made: the node, the way, the kind of key."""
    user_ids = {entry['user_id'] for entry in cloud.log('mapped')}
    check_equal('whose nodes', user_ids - {cloud.ready['user_id']}, set())
    return [(entry['node_id'], entry['by'], entry.get('key')) for entry in cloud.log('mapped')]


def logins(cloud):
    check_equal('refused logins', cloud.log('login_refused', 'unauthorized'), [])
    return [entry['by'] for entry in cloud.log('login')]


def profile_file(bench, name):
    return bench.config / 'profiles' / name


def read_json(file):
    return json.loads(file.read_text(encoding='utf-8'))


def tokens(bench):
    return read_json(profile_file(bench, f'{PROFILE}_config.json'))


def incumbents_login_by_espctl(bench):
    """What esp-rainmaker-cli sets up, espctl takes up; what either does to a node, the other sees."""
    cloud = new_cloud(bench)
    user_id = cloud.ready['user_id']
    bench.incumbent('profile', 'add', PROFILE, '--base-url', cloud.ready['url'])
    bench.incumbent('profile', 'switch', PROFILE)
    said = bench.incumbent('login', '--user_name', USER, '--password', PASSWORD, '--profile', PROFILE)
    check_in('its login', 'Login successful!', said)
    said = bench.incumbent('getuserinfo')
    check_in('its user', f'User Id: {user_id}', said)
    check_in('its user', f'User Name (Email): {USER}', said)

    account = bench.espctl('whoami', '--check')['account']
    check_equal('account', {key: account[key] for key in ('profile', 'user_name', 'user_id', 'source', 'checked')},
                {'profile': PROFILE, 'user_name': USER, 'user_id': user_id, 'source': 'stored', 'checked': True})
    check_equal('nodes', nodes_of_espctl(bench), {})

    device = bench.device('--pop', POP, '--cloud', cloud.ready['url'])
    node_id = device.ready['node_id']
    check_equal('summary', espctl_provisions(bench, device)['node_id'], node_id)
    check_equal('mapped', mapped(cloud), [(node_id, 'challenge_response', 'ec')])
    check_equal('nodes', list(nodes_of_espctl(bench)), [node_id])
    check_in('its nodes', f'1. {node_id}', bench.incumbent('getnodes'))
    check_in('its config of the node', '"model": "led_light"', bench.incumbent('getnodeconfig', node_id))
    check_in('its state of the node', 'connected', bench.incumbent('getnodestatus', node_id))
    check_equal('logins', logins(cloud), ['password'])

    bench.incumbent('removenode', node_id)
    check_equal('removed', [entry['node_id'] for entry in cloud.log('unmapped')], [node_id])
    check_equal('nodes', nodes_of_espctl(bench), {})
    check_in('its logout', 'Logout successful', bench.incumbent('logout'))
    check_equal('logouts', [entry['user'] for entry in cloud.log('logout')], [USER])
    bench.espctl('whoami', code=8)


def espctls_login_by_incumbent(bench):
    """What espctl sets up, esp-rainmaker-cli takes up, to the profile that is current and the logout."""
    cloud = new_cloud(bench)
    espctl_logs_in(bench, cloud)
    device = bench.device('--pop', POP, '--cap', 'user_assoc', '--cloud', cloud.ready['url'])
    node_id = device.ready['node_id']
    check_equal('summary', espctl_provisions(bench, device)['node_id'], node_id)
    check_equal('mapped', mapped(cloud), [(node_id, 'secret_key', None)])

    said = bench.incumbent('profile', 'current')
    check_in('its profile', f'Current profile: {PROFILE}', said)
    check_in('its profile', f'Host: {cloud.ready["url"]}/v1/', said)
    check_in('its profile', f'Logged in as {USER}', said)
    check_in('its user', f'User Id: {cloud.ready["user_id"]}', bench.incumbent('getuserinfo'))
    check_in('its nodes', f'1. {node_id}', bench.incumbent('getnodes', '--profile', PROFILE))
    check_equal('logins', logins(cloud), ['password'])

    bench.incumbent('profile', 'switch', 'china')
    check_equal('current', bench.espctl('profile', 'current')['profile']['name'], 'china')
    bench.espctl('profile', 'switch', PROFILE)
    bench.espctl('logout')
    said = bench.incumbent('getnodes')
    check_in('its nodes after the logout', f"Not logged in to profile '{PROFILE}'", said)


def add_note(file, within=lambda document: document):
    document = read_json(file)
    within(document)['note'] = NOTE
    file.write_text(json.dumps(document), encoding='utf-8')


def wait_until_expired(token):
    left = claims(token)['exp'] - time.time()
    check(left <= ACCESS_LIFE_SECONDS, f'a token that ends within {ACCESS_LIFE_SECONDS} s, not {left:.0f}')
    time.sleep(max(left, 0))


def refresh_in_turn(bench):
    """Tokens that one program renewed are used by the other, and what neither knows stays in the files."""
    cloud = new_cloud(bench, '--access-life', str(ACCESS_LIFE_SECONDS))
    espctl_logs_in(bench, cloud)
    profiles = profile_file(bench, 'profiles.json')
    add_note(profile_file(bench, f'{PROFILE}_config.json'))
    add_note(profiles)
    add_note(profiles, lambda document: document['custom_profiles'][PROFILE])
    first = tokens(bench)

    wait_until_expired(first['accesstoken'])
    check_in('its user', f'User Id: {cloud.ready["user_id"]}', bench.incumbent('getuserinfo'))
    check_equal('logins', logins(cloud), ['password', 'refresh'])
    by_incumbent = tokens(bench)
    # espctl renews what ends within a minute, so it does here.
    bench.espctl('whoami', '--check')
    by_espctl = tokens(bench)
    check_equal('logins', logins(cloud), ['password', 'refresh', 'refresh'])
    bench.incumbent('getnodes')
    check_equal('logins', logins(cloud), ['password', 'refresh', 'refresh'])
    check_equal('answers to its getnodes', [entry['status'] for entry in cloud.log('request')
                                            if entry['path'] == '/v1/user/nodes'], [200])

    for kind in ('accesstoken', 'idtoken'):
        check_equal(f'different values of {kind}',
                    len({document[kind] for document in (first, by_incumbent, by_espctl)}), 3)
    check_equal('refresh token', by_espctl['refreshtoken'], first['refreshtoken'])
    check_equal('keys', set(by_espctl), {'accesstoken', 'idtoken', 'refreshtoken', 'note'})
    bench.espctl('profile', 'add', 'of-espctl', '--base-url', cloud.ready['url'])
    bench.incumbent('profile', 'add', 'of-incumbent', '--base-url', cloud.ready['url'])
    check_equal('note beside the tokens', tokens(bench)['note'], NOTE)
    document = read_json(profiles)
    check_equal('note beside the profiles', document['note'], NOTE)
    check_equal('note in the profile', document['custom_profiles'][PROFILE]['note'], NOTE)
    check_equal('custom profiles', set(document['custom_profiles']), {PROFILE, 'of-espctl', 'of-incumbent'})


def typed_provision(device):
    """The client's own `provision`, account and all; answers what it says."""
    steps = []
    for _ in range(SHORT_A_TRIES):
        done, new = device.incumbent(
            'typed', '--', 'provision', '--transport', 'softap', '--pop', POP, '--ssid', SSID,
            '--passphrase', PASSPHRASE, '--tags', ','.join(TAGS), '--metadata', json.dumps(METADATA), '--no-retry')
        steps += new
        if not short_as(new):
            break
    check_equal('exit code of the client', done.returncode, 0)
    check_only_short_a_refused(device, steps)
    return done.stderr


def incumbent_maps(bench, sec_ver, key, way):
    """The client maps and provisions a device in the account that espctl logged in to."""
    old_way = way == 'secret_key'
    # The node's message is there first. So that the client has to ask twice, the cloud puts it off once.
    cloud = new_cloud(bench, *(['--fault', 'GET user/nodes/mapping:1:request-status=requested'] if old_way else []))
    espctl_logs_in(bench, cloud)
    device = bench.device('--sec-ver', str(sec_ver), '--pop', POP, '--key', key, '--cloud', cloud.ready['url'],
                          '--cap', 'user_assoc' if old_way else 'ch_resp', time_scale=SLOWER)
    node_id = device.ready['node_id']
    said = typed_provision(device)
    check_in('its scheme', f'Auto-detected Security Scheme: {sec_ver}', said)
    check_in('its Wi-Fi', 'Wi-Fi Provisioning Successful.', said)
    check_in('its mapping', 'Node added to your account successfully!' if old_way
             else f'Node {node_id} added to your account successfully!', said)
    device.check_ended_by_itself()
    check_equal('secured', [entry['scheme'] for entry in device.log('secured')], [sec_ver])
    check_wifi(device, [(SSID, PASSPHRASE)], ['wifi_applied', 'wifi_joined', 'service_stopped'])

    check_equal('mapped', mapped(cloud), [(node_id, way, None if old_way else key)])
    check_equal('refused', cloud.log('mapping_refused', 'mapping_timed_out', 'mapping_discarded'), [])
    if old_way:
        messages = [(entry['node_id'], entry['user_id']) for entry in cloud.log('node_message')]
        check_equal('messages of the node', messages, [(node_id, cloud.ready['user_id'])])
        requests = [(entry['method'], entry['status']) for entry in cloud.log('request')
                    if entry['path'] == '/v1/user/nodes/mapping']
        check_equal('requests of the mapping', requests, [('PUT', 200), ('GET', 200), ('GET', 200)])
    else:
        check_equal('signed', [entry['node_id'] for entry in device.log('challenge_signed')], [node_id])
    node = nodes_of_espctl(bench)[node_id]
    check_equal('tags', sorted(node['tags']), sorted(TAGS))
    check_equal('metadata', bench.espctl('node', 'info', node_id)['node']['metadata'], METADATA)


def incumbent_maps_on_network(bench, variant, key):
    """The client maps a device that is on its network already, by IPv4, as it is typed."""
    cloud = new_cloud(bench)
    espctl_logs_in(bench, cloud)
    device = bench.on_network('--variant', variant, '--sec-ver', '1', '--pop', POP, '--key', key,
                              '--cloud', cloud.ready['url'])
    node_id = device.ready['node_id']
    said = bench.incumbent('provision', '--transport', 'on-network', '--pop', POP, '--device-ip', '127.0.0.1',
                           '--device-port', str(device.ready['port']))
    check_in('its mapping', f'Node {node_id} mapped to your account successfully!', said)
    check_equal('mapped', mapped(cloud), [(node_id, 'challenge_response', key)])
    check_equal('refused', cloud.log('mapping_refused', 'mapping_timed_out', 'mapping_discarded'), [])
    check_equal('secured', [(entry['scheme'], entry['pop']) for entry in device.log('secured')], [(1, True)])
    check_equal('signed', [entry['node_id'] for entry in device.log('challenge_signed')], [node_id])
    check_equal('nodes', list(nodes_of_espctl(bench)), [node_id])
    # Its documentation says that it does this; it does not.
    check_equal('disabled', device.log('chal_resp_disabled'), [])


def wrong_signature(bench):
    """The job can see a failure: nothing is mapped, no Wi-Fi is sent, whatever the exit code is."""
    cloud = new_cloud(bench)
    espctl_logs_in(bench, cloud)
    device = bench.device('--sec-ver', '1', '--pop', POP, '--scenario', 'wrong-signature',
                          '--cloud', cloud.ready['url'])
    check_in('its mapping', 'Challenge-response user-node association failed', typed_provision(device))
    device.check_alive()
    check_equal('refused', [entry['node_id'] for entry in cloud.log('mapping_refused')], [device.ready['node_id']])
    check_equal('mapped', mapped(cloud), [])
    check_equal('nodes', nodes_of_espctl(bench), {})
    check_equal('Wi-Fi', device.log('wifi_set'), [])


def verifies(public_key, scheme, signature, text):
    """Whether a signature of that scheme is good."""
    try:
        if isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, text, scheme, SHA256)
        else:
            public_key.verify(from_raw(signature) if scheme == 'raw' else signature, text, ec.ECDSA(SHA256))
    except InvalidSignature:
        return False
    return True


def from_raw(signature):
    half = len(signature) // 2
    return encode_dss_signature(int.from_bytes(signature[:half], 'big'), int.from_bytes(signature[half:], 'big'))


def to_raw(signature):
    return b''.join(number.to_bytes(32, 'big') for number in decode_dss_signature(signature))


def device_signatures(bench):
    """What devices sign is good by another's arithmetic, and what they sign wrongly is wrong in the way they say."""
    cloud = new_cloud(bench)
    own_rsa = bench.folder / 'rsa.pem'
    own_rsa.write_bytes(new_key('rsa').private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    texts = ['a', 'c' * 64, '\u5bb6 and ' * 30]
    for flags, scheme, other in (
        (['--key', 'ec'], 'der', 'raw'),
        (['--key', 'rsa'], PSS, PKCS1),
        (['--node-key', str(own_rsa)], PSS, PKCS1),
        (['--key', 'ec', '--scenario', 'raw-signature'], 'raw', 'der'),
        (['--key', 'rsa', '--scenario', 'pkcs1-signature'], PKCS1, ANY_PSS),
        (['--key', 'ec', '--scenario', 'wrong-signature'], None, 'der'),
        (['--key', 'rsa', '--scenario', 'wrong-signature'], None, ANY_PSS),
    ):
        device = bench.device('--sec-ver', '1', '--pop', POP, '--cloud', cloud.ready['url'], *flags)
        node_id = device.ready['node_id']
        code, steps = device.client('sign', *texts, sec_ver=1)
        check_equal('exit code of the client', code, 0)
        signed = [step for step in steps if step['step'] == 'signed']
        check_equal('signed', [(step['node_id'], step['text']) for step in signed],
                    [(node_id, text) for text in texts])
        public_key = registered_key(cloud, node_id)
        for step in signed:
            text, signature = step['text'].encode(), bytes.fromhex(step['signature'])
            what = f'signature of {flags} for {len(text)} bytes'
            if scheme is not None:
                check(verifies(public_key, scheme, signature, text), f'{what}: a good one')
                check(not verifies(public_key, scheme, signature, text + b'.'), f'{what}: for that text only')
            check(not verifies(public_key, other, signature, text), f'{what}: not a good one otherwise')


def registered_key(cloud, node_id):
    """The public key by which the cloud knows a node."""
    bodies = [entry['body'] for entry in cloud.log('request') if entry['path'] == f'/emulator/nodes/{node_id}']
    [pem] = bodies[0]['public_keys']
    return serialization.load_pem_public_key(pem.encode())


def new_key(kind):
    return rsa.generate_private_key(65537, 2048) if kind == 'rsa' else ec.generate_private_key(ec.SECP256R1())


def call(cloud, method, path, body=None, token=None):
    """One call of the API; answers the status and the document."""
    headers = {'Content-Type': 'application/json', **({'Authorization': token} if token else {})}
    request = urllib.request.Request(cloud.ready['url'] + path, json.dumps(body or {}).encode(), headers, method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=HTTP_SECONDS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def login(cloud):
    status, document = call(cloud, 'POST', '/v1/login2', {'user_name': USER, 'password': PASSWORD})
    check_equal('login', (status, document['status']), (200, 'success'))
    return document


def cloud_signatures(bench):
    """The cloud takes good signatures of another's making, and only those of the right scheme."""
    cloud = new_cloud(bench)
    token = login(cloud)['accesstoken']
    keys = {kind: new_key(kind) for kind in ('ec', 'rsa', 'other')}
    for kind in ('ec', 'rsa'):
        pem = keys[kind].public_key().public_bytes(serialization.Encoding.PEM,
                                                   serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        answer = call(cloud, 'PUT', f'/emulator/nodes/node-{kind}', {'public_keys': [pem], 'config': {}})
        check_equal('registered', answer, (200, {'status': 'success'}))
    ecdsa = ec.ECDSA(SHA256)
    for name, kind, good, sign in (
        ('raw r||s', 'ec', False, lambda text: to_raw(keys['ec'].sign(text, ecdsa))),
        ('another key', 'ec', False, lambda text: keys['other'].sign(text, ecdsa)),
        ('SHA-384', 'ec', False, lambda text: keys['ec'].sign(text, ec.ECDSA(hashes.SHA384()))),
        ('another text', 'ec', False, lambda text: keys['ec'].sign(text + b'.', ecdsa)),
        ('DER', 'ec', True, lambda text: keys['ec'].sign(text, ecdsa)),
        ('PKCS#1 v1.5', 'rsa', False, lambda text: keys['rsa'].sign(text, PKCS1, SHA256)),
        ('another text', 'rsa', False, lambda text: keys['rsa'].sign(text + b'.', PSS, SHA256)),
        ('PSS', 'rsa', True, lambda text: keys['rsa'].sign(text, PSS, SHA256)),
        ('PSS with the longest salt', 'rsa', True, lambda text: keys['rsa'].sign(text, LONG_PSS, SHA256)),
    ):
        status, challenge = call(cloud, 'POST', '/v1/user/nodes/mapping/initiate', {'timeout': 360}, token)
        check_equal(f'{name}: initiate', status, 200)
        before = len(cloud.log('mapped'))
        body = {'request_id': challenge['request_id'], 'node_id': f'node-{kind}',
                'challenge_response': sign(challenge['challenge'].encode()).hex()}
        status, answer = call(cloud, 'POST', '/v1/user/nodes/mapping/verify', body, token)
        check_equal(f'{kind}, {name}: {answer}', (status == 200, answer['status']),
                    (good, 'success' if good else 'failure'))
        new = [(entry['node_id'], entry['key']) for entry in cloud.log('mapped')[before:]]
        check_equal(f'{kind}, {name}: mapped', new, [(f'node-{kind}', kind)] if good else [])


def claims(token):
    """A token's claims, as the client reads them: by plain base64."""
    part = token.split('.')[1]
    return json.loads(base64.b64decode(part + '=' * (-len(part) % 4), validate=True))


def plain_claims(bench):
    """Tokens are readable by plain base64, every one."""
    cloud = new_cloud(bench)
    for _ in range(LOGINS):
        given = login(cloud)
        id_claims, access_claims = claims(given['idtoken']), claims(given['accesstoken'])
        check_equal('user of the id token', (id_claims['custom:user_id'], id_claims['email']),
                    (cloud.ready['user_id'], USER))
        check(access_claims['exp'] > time.time(), 'an access token that counts')
    return f'{2 * LOGINS} tokens'


def base64url_claims(bench):
    """Tokens of the other kind are not, and espctl reads them nevertheless."""
    cloud = new_cloud(bench, '--base64url-claims')
    espctl_logs_in(bench, cloud)
    for kind in ('idtoken', 'accesstoken'):
        part = tokens(bench)[kind].split('.')[1]
        check('-' in part and '_' in part, f'- and _ in the claims of the {kind}')
    account = bench.espctl('whoami', '--check')['account']
    check_equal('account', (account['user_name'], account['user_id']), (USER, cloud.ready['user_id']))


def cases():
    """(name, what to do on a bench)"""
    yield 'account: esp-rainmaker-cli logs in, espctl goes on', incumbents_login_by_espctl
    yield 'account: espctl logs in, esp-rainmaker-cli goes on', espctls_login_by_incumbent
    yield 'account: tokens renewed in turn', refresh_in_turn
    for sec_ver, key in ((1, 'ec'), (2, 'rsa')):
        yield (f'sec{sec_ver}: mapped by challenge-response, {key} key',
               functools.partial(incumbent_maps, sec_ver=sec_ver, key=key, way='challenge_response'))
    yield ('sec1: mapped by secret key',
           functools.partial(incumbent_maps, sec_ver=1, key='ec', way='secret_key'))
    for variant, key in (('standalone', 'ec'), ('local-control', 'rsa')):
        yield (f'sec1: mapped on its network, {variant}, {key} key',
               functools.partial(incumbent_maps_on_network, variant=variant, key=key))
    yield 'sec1: wrong signature', wrong_signature
    yield 'signatures of devices, verified by OpenSSL', device_signatures
    yield 'signatures of OpenSSL, verified by the cloud', cloud_signatures
    yield 'claims in plain base64', plain_claims
    yield 'claims in base64url', base64url_claims
