import assert from 'node:assert/strict';
import { link, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { generateFernetKey } from '../model/fernet.ts';
import { KeyRepository } from './key-repository.ts';

async function place(t: TestContext): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'keys-'));
  t.after(() => rm(parent, { recursive: true, force: true }));
  return join(parent, 'fernet-keys');
}

async function opened(t: TestContext, directory: string, maxActiveKeys = 3): Promise<KeyRepository> {
  const repository = await KeyRepository.open({ directory, maxActiveKeys });
  t.after(() => repository.close());
  return repository;
}

const names = async (directory: string) => (await readdir(directory)).sort();

test('makes a staged and a primary key that only the owner can read', async (t) => {
  const directory = await place(t);
  await opened(t, directory);
  assert.deepEqual(await names(directory), ['0', '1']);
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  for (const name of ['0', '1']) assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600);
});

test('rotation promotes the staged key and removes the oldest beyond the limit', async (t) => {
  const directory = await place(t);
  const repository = await opened(t, directory);
  const staged = await readFile(join(directory, '0'), 'utf8');
  const early = repository.fernet.encrypt(Buffer.from('early'));
  await repository.rotate();
  assert.deepEqual(await names(directory), ['0', '1', '2']);
  assert.equal(await readFile(join(directory, '2'), 'utf8'), staged);
  assert.equal(repository.fernet.decrypt(early).message.toString(), 'early');
  await repository.rotate();
  assert.deepEqual(await names(directory), ['0', '2', '3']);
  assert.throws(() => repository.fernet.decrypt(early));
});

test('two that begin at once agree on the keys', async (t) => {
  const directory = await place(t);
  const [one, other] = await Promise.all([opened(t, directory), opened(t, directory)]);
  await one.reload();
  await other.reload();
  const token = one.fernet.encrypt(Buffer.from('x'));
  assert.equal(other.fernet.decrypt(token).message.toString(), 'x');
  assert.deepEqual(await names(directory), ['0', '1']);
});

test('a rotation by another process is noticed', async (t) => {
  const directory = await place(t);
  const [mine, theirs] = [await opened(t, directory), await opened(t, directory)];
  const reloaded = new Promise<void>((resolve) => mine.onReload(resolve));
  await theirs.rotate();
  await theirs.rotate();
  await reloaded;
  await mine.reload();
  const token = theirs.fernet.encrypt(Buffer.from('x'));
  assert.equal(mine.fernet.decrypt(token).message.toString(), 'x');
});

test('a rotation that was cut off leaves keys that work, and the next one mends it', async (t) => {
  const directory = await place(t);
  const repository = await opened(t, directory);
  const token = repository.fernet.encrypt(Buffer.from('x'));
  // Cut off after the staged key got its second name, while the new one still has its temporary name.
  await writeFile(join(directory, 'new.tmp'), generateFernetKey(), { mode: 0o600 });
  await link(join(directory, '0'), join(directory, '2'));
  const restarted = await opened(t, directory, 4);
  assert.equal(restarted.fernet.decrypt(token).message.toString(), 'x');
  await restarted.rotate();
  assert.deepEqual(await names(directory), ['0', '1', '2', '3', 'new.tmp']);
  assert.notEqual(await readFile(join(directory, '0'), 'utf8'), await readFile(join(directory, '3'), 'utf8'));
  assert.equal(restarted.fernet.decrypt(token).message.toString(), 'x');
});

test('two rotations at once lose no key that is in use', async (t) => {
  const directory = await place(t);
  const [one, other] = [await opened(t, directory, 9), await opened(t, directory, 9)];
  for (let round = 0; round < 5; round += 1) {
    const tokens = [one, other].map(({ fernet }) => fernet.encrypt(Buffer.from('x')));
    await Promise.all([one.rotate(), other.rotate()]);
    await Promise.all([one.reload(), other.reload()]);
    for (const token of tokens) {
      for (const { fernet } of [one, other]) assert.equal(fernet.decrypt(token).message.toString(), 'x');
    }
  }
});

test('empty and foreign files are passed over', async (t) => {
  const directory = await place(t);
  const repository = await opened(t, directory);
  await writeFile(join(directory, '9'), '');
  await writeFile(join(directory, 'README'), 'not a key');
  await repository.reload();
  assert.ok(repository.fernet.encrypt(Buffer.from('x')));
});
