import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAuditId } from './audit-ids.ts';
import { defaultAuthMethods, integerToMethods, methodsToInteger } from './auth-methods.ts';
import { Fernet, generateFernetKey } from './fernet.ts';
import { Float, type Packable, pack } from './msgpack.ts';
import { parseIsoTime } from './timestamps.ts';
import {
  packTokenPayload,
  type TokenPayload,
  tokenKinds,
  UnreadableTokenPayload,
  unpackTokenPayload,
} from './token-payload.ts';

const uuid = fc.uuid().map((id) => id.replaceAll('-', ''));
const id = fc.oneof(uuid, fc.string({ minLength: 1, maxLength: 64 }), fc.uuid());
const common = {
  userId: id,
  methods: fc
    .subarray([...defaultAuthMethods], { minLength: 1 })
    .map((methods) => integerToMethods(methodsToInteger(methods))),
  expiresAt: fc.integer({ min: 0, max: 4e15 }),
  auditIds: fc.oneof(
    fc.constant(0).map(() => [createAuditId()] as const),
    fc.constant(0).map(() => [createAuditId(), createAuditId()] as const),
  ),
};
const federation = {
  groupIds: fc.array(id, { maxLength: 20 }),
  identityProviderId: id,
  protocolId: fc.string(),
};
const nullable = fc.option(id);

const payloads: fc.Arbitrary<TokenPayload> = fc.oneof(
  fc.record({ kind: fc.constant('unscoped' as const), ...common }),
  fc.record({
    kind: fc.constant('domain' as const),
    ...common,
    domainId: fc.oneof(uuid, fc.constant('default')),
  }),
  fc.record({ kind: fc.constant('project' as const), ...common, projectId: id }),
  fc.record({ kind: fc.constant('trust' as const), ...common, projectId: id, trustId: uuid }),
  fc.record({ kind: fc.constant('federated-unscoped' as const), ...common, ...federation }),
  fc.record({ kind: fc.constant('federated-project' as const), ...common, ...federation, projectId: id }),
  fc.record({ kind: fc.constant('federated-domain' as const), ...common, ...federation, domainId: id }),
  fc.record({ kind: fc.constant('oauth1' as const), ...common, projectId: id, accessTokenId: id }),
  fc.record({ kind: fc.constant('system' as const), ...common, system: fc.constant('all') }),
  fc.record({
    kind: fc.constant('application-credential' as const),
    ...common,
    projectId: id,
    applicationCredentialId: id,
  }),
  fc.record({
    kind: fc.constant('oauth2-mtls' as const),
    ...common,
    projectId: nullable,
    domainId: nullable,
    thumbprint: fc.string({ maxLength: 64 }),
  }),
);

test('every kind of payload is read back as it was written', () => {
  fc.assert(
    fc.property(payloads, (payload) => {
      assert.deepEqual(unpackTokenPayload(packTokenPayload(payload)), { ...payload });
    }),
    { numRuns: 500 },
  );
});

const projectPayload: TokenPayload = {
  kind: 'project',
  userId: '0'.repeat(31) + 'a',
  projectId: '0'.repeat(31) + 'b',
  methods: ['password'],
  expiresAt: parseIsoTime('2026-01-31T12:34:56.000000Z'),
  auditIds: ['AAAAAAAAAAAAAAAAAAAAAA'],
};

test('a project payload has the bytes that keystone writes', () => {
  assert.equal(
    packTokenPayload(projectPayload).toString('hex'),
    '96' +
      '02' +
      `92c3c410${'0'.repeat(31)}a` +
      '02' +
      `92c3c410${'0'.repeat(31)}b` +
      'cb' +
      Buffer.from(new Float64Array([1769862896]).buffer)
        .reverse()
        .toString('hex') +
      `91c410${'0'.repeat(32)}`,
  );
});

test('tokens are as long as upstream’s', () => {
  const fernet = new Fernet([generateFernetKey()]);
  const length = (payload: TokenPayload) => fernet.encrypt(packTokenPayload(payload)).length;
  assert.equal(length(projectPayload), 183);
  assert.ok(length({ ...projectPayload, kind: 'trust', trustId: 'c'.repeat(32) }) <= 250);
});

test('an unknown version and malformed payloads are refused', () => {
  assert.throws(() => unpackTokenPayload(pack([99, 'x'])), /not a recognized Fernet payload version: 99/);
  for (const bad of [
    pack('x'),
    pack([2, 'x']),
    pack([0, [true, 'u'], 2, 'soon', []]),
    Buffer.of(0xc1),
    Buffer.of(),
  ]) {
    assert.throws(() => unpackTokenPayload(bad), UnreadableTokenPayload);
  }
});

const python = ['/usr/bin/python3', 'python3'].find(
  (path) => spawnSync(path, ['-c', 'import msgpack, cryptography.fernet']).status === 0,
);

test('Python’s msgpack and cryptography make the same bytes and read our tokens', { skip: !python }, () => {
  const values: Packable[] = fc
    .sample(
      fc.letrec<{ value: Packable }>((tie) => ({
        value: fc.oneof(
          { maxDepth: 3 },
          fc.constant(null),
          fc.boolean(),
          fc.nat(),
          fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
          fc.string({ maxLength: 400 }),
          fc.uint8Array({ maxLength: 400 }),
          fc.double({ noNaN: true }).map((value) => new Float(value)),
          fc.array(tie('value'), { maxLength: 20 }),
        ),
      })).value,
      300,
    )
    .concat([new Float(1769862896), new Float(0), 255, 256, 65535, 65536, 2 ** 32, 2 ** 32 - 1]);
  const key = generateFernetKey();
  const fernet = new Fernet([key]);
  const script = `
import sys, msgpack
from cryptography.fernet import Fernet
f = Fernet(sys.argv[1])
for line in sys.stdin:
    token = line.strip()
    plain = f.decrypt(token + '=' * (-len(token) % 4))
    again = msgpack.packb(msgpack.unpackb(plain))
    print(plain == again, f.encrypt(plain).decode().rstrip('='))
`;
  const packed = [
    ...values.map((value) => pack(value)),
    ...fc.sample(payloads, 200).map((payload) => packTokenPayload(payload)),
  ];
  const answer = spawnSync(python ?? '', ['-c', script, key], {
    input: packed.map((bytes) => fernet.encrypt(bytes)).join('\n'),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  assert.equal(answer.status, 0, answer.stderr);
  const lines = answer.stdout.trim().split('\n');
  assert.equal(lines.length, packed.length);
  lines.forEach((line, index) => {
    const [same, token = ''] = line.split(' ');
    assert.equal(same, 'True');
    assert.deepEqual(fernet.decrypt(token).message, packed[index]);
  });
});

test('the method mask follows the configured order and lists the highest first', () => {
  assert.equal(methodsToInteger(['password', 'token']), 6);
  assert.deepEqual(integerToMethods(6), ['token', 'password']);
  assert.equal(methodsToInteger(['password'], ['password', 'token']), 1);
  assert.equal(tokenKinds.indexOf('application-credential'), 9);
});
