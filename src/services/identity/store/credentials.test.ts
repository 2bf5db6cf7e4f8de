import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openStore } from '../../../platform/store/store.ts';
import { CredentialStore } from './credentials.ts';
import { KeyRepository } from './key-repository.ts';
import { identitySchema } from './schema.ts';

describe('credentials at rest', () => {
  let directory: string;
  let keys: KeyRepository;
  let store: Awaited<ReturnType<typeof openStore<typeof identitySchema.tables>>>;
  let credentials: CredentialStore;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'credential-keys-'));
    keys = await KeyRepository.open({ directory });
    store = await openStore(identitySchema, { url: 'sqlite::memory:' });
    credentials = new CredentialStore(store, keys);
    for (let n = 0; n < 450; n++) {
      const id = String(n).padStart(4, '0');
      await credentials.insert({
        id,
        user_id: 'u',
        project_id: null,
        type: 'cert',
        blob: `blob ${id}`,
        extra: {},
      });
    }
  });
  after(async () => {
    keys.close();
    await store.close();
    await rm(directory, { recursive: true });
  });
  const sealed = () => store.db.selectFrom('credentials').select(['id', 'encrypted_blob']).execute();

  it('say nothing of themselves', async () => {
    for (const { encrypted_blob } of await sealed()) assert.match(encrypted_blob, /^gAAAAA[\w=-]+$/);
  });

  it('are all under the new key after a rotation, however often', async () => {
    for (let round = 0; round < 4; round++) {
      const earlier = new Map((await sealed()).map((row) => [row.id, row.encrypted_blob]));
      assert.equal(await credentials.rotate(), 450);
      assert.ok((await sealed()).every(({ id, encrypted_blob }) => encrypted_blob !== earlier.get(id)));
      assert.equal((await credentials.get('0449'))?.blob, 'blob 0449');
    }
    assert.equal((await readdir(directory)).length, 3);
  });

  it('open when a rotation was ended anywhere', async () => {
    // The keys were changed and nothing encrypted with them yet; then another rotation is begun.
    await keys.rotate();
    assert.equal((await credentials.get('0000'))?.blob, 'blob 0000');
    await credentials.rotate();
    await credentials.rotate();
    assert.equal((await credentials.list({ user_id: 'u' })).length, 450);
  });
});
