import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
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
  // Cut off between the two renames: the staged key was promoted, the new one still has its temporary name.
  await writeFile(join(directory, '0.tmp'), generateFernetKey(), { mode: 0o600 });
  await rename(join(directory, '0'), join(directory, '2'));
  const restarted = await opened(t, directory);
  assert.equal(restarted.fernet.decrypt(token).message.toString(), 'x');
  await restarted.rotate();
  assert.deepEqual(await names(directory), ['0', '1', '2']);
  assert.equal(restarted.fernet.decrypt(token).message.toString(), 'x');
});

test('empty and foreign files are passed over', async (t) => {
  const directory = await place(t);
  const repository = await opened(t, directory);
  await writeFile(join(directory, '9'), '');
  await writeFile(join(directory, 'README'), 'not a key');
  await repository.reload();
  assert.ok(repository.fernet.encrypt(Buffer.from('x')));
});
