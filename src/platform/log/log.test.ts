import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Credentials } from '../auth/credentials.ts';
import { withContext } from '../context/context.ts';
import { type Log, openLog } from './log.ts';
import { redact } from './redact.ts';

async function directory(t: TestContext): Promise<string> {
  const name = await mkdtemp(join(tmpdir(), 'cumulet-log-'));
  t.after(() => rm(name, { recursive: true }));
  return name;
}

async function logged(t: TestContext, write: (log: Log) => void, level: 'info' | 'debug' = 'info') {
  const file = join(await directory(t), 'cumulet.log');
  const { log, close } = openLog({ level, file });
  write(log);
  await close();
  const text = await readFile(file, 'utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  return { file, text, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const credentials: Credentials = {
  userId: 'u1',
  userName: 'ann',
  userDomainId: 'default',
  userDomainName: 'Default',
  projectId: 'p1',
  roles: ['member'],
  isAdminProject: false,
  serviceRoles: [],
  methods: ['password'],
  auditIds: ['a'],
  issuedAt: '2026-01-31T12:00:00Z',
  expiresAt: '2026-01-31T13:00:00Z',
};

test('a line carries the request, the user and the project that it is about', async (t) => {
  const { lines } = await logged(t, (log) => {
    withContext({ requestId: 'req-1', globalRequestId: 'req-0', credentials }, () =>
      log.info({ server: 's1' }, 'built'),
    );
    log.info({}, 'outside');
  });
  const { time, ...line } = lines[0]!;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(line, {
    level: 'info',
    request_id: 'req-1',
    global_request_id: 'req-0',
    user_id: 'u1',
    project_id: 'p1',
    server: 's1',
    msg: 'built',
  });
  assert.equal(lines[1]?.request_id, undefined);
});

test('lines below the level are not written', async (t) => {
  const { lines } = await logged(t, (log) => {
    log.debug({}, 'quiet');
    log.child({ service: 'compute' }).debug({}, 'quiet');
    log.warn({}, 'loud');
  });
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['loud'],
  );
});

test('only its owner can read the file, be it new or an old one', async (t) => {
  const { file } = await logged(t, (log) => log.info({}, 'x'));
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const old = join(await directory(t), 'old.log');
  await writeFile(old, '', { mode: 0o644 });
  await openLog({ level: 'info', file: old }).close();
  assert.equal((await stat(old)).mode & 0o777, 0o600);
});

test('secrets are in no line, wherever they stand', async (t) => {
  const token = `gAAAAABl${'x'.repeat(150)}`;
  const { text, lines } = await logged(t, (log) => {
    log.info({ auth: { identity: { password: { user: { name: 'ann', password: 'hunter2' } } } } }, 'body');
    log.info({ server: { adminPass: 'hun"ter2', adminPassword: 'hunter2' } }, 'deep');
    log.info({ headers: { 'x-auth-token': 'hunter2', 'x-subject-token': token } }, 'headers');
    log.info({ body: JSON.stringify({ secret_key: 'hunter2', name: 'kept' }) }, 'text');
    log.child({ token: 'hunter2' }).info({}, `connecting to amqp://user:hunter2@host with ${token}`);
    log.error({ err: new Error('run --token=hunter2 failed') }, 'password=hunter2');
  });
  assert.doesNotMatch(text, /hunter2|ter2|gAAAA/);
  assert.equal(lines.length, 6);
  assert.match(text, /kept/);
  assert.match(text, /"name":"ann"/);
});

test('an error is logged with its kind, message and stack', async (t) => {
  const { lines } = await logged(t, (log) => log.error({ err: new RangeError('too far') }, 'failed'));
  const { type, message, stack } = lines[0]!.err as { type: string; message: string; stack: string };
  assert.deepEqual([type, message], ['RangeError', 'too far']);
  assert.match(stack, /log\.test\.ts/);
});

test('what is no secret stays as it is', () => {
  for (const line of [
    '{"tokens":5,"msg":"a token has expired"}',
    '{"url":"http://host:8774/v2.1/servers/a@b"}',
    '{"req":"req-1"}',
  ])
    assert.equal(redact(line), line);
});

test('a line made to be slow is not', () => {
  const start = performance.now();
  for (const part of ['a-', 'a+', 'a.', '"a', 'a:', 'a://b:', 'gAAAA-', '\\\\"token\\\\":\\\\"', 'password'])
    redact(part.repeat(50_000));
  assert(performance.now() - start < 5_000);
});

test('a log goes on in a new file after it was moved away', async (t) => {
  const name = join(await directory(t), 'cumulet.log');
  const { log, reopen, close } = openLog({ level: 'info', file: name });
  log.info({}, 'before');
  while (!(await readFile(name, 'utf8')).includes('before')) await new Promise(setImmediate);
  await rename(name, `${name}.1`);
  reopen();
  log.info({}, 'after');
  await close();
  assert.match(await readFile(`${name}.1`, 'utf8'), /before/);
  assert.match(await readFile(name, 'utf8'), /after/);
});
