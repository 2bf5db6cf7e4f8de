import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { NotFound, ServiceUnavailable } from '../../../platform/errors/errors.ts';
import { type RunningS3, startS3 } from '../testing/s3-server.ts';
import { s3Store } from './s3.ts';
import type { ImageStore } from './store.ts';

describe('a store of images in S3', () => {
  let server: RunningS3;
  let store: ImageStore;
  before(async () => {
    server = await startS3();
    store = s3Store({ name: 's3' }, server.options);
  });
  after(() => server[Symbol.asyncDispose]());

  /** Writes in pieces that fit neither blocks nor parts. */
  async function put(id: string, bytes: Buffer): Promise<string> {
    const writer = await store.begin(id);
    for (let at = 0; at < bytes.length; at += 999_999) {
      const piece = Buffer.from(bytes.subarray(at, at + 999_999));
      await writer.write(piece);
      // It is the caller's again.
      piece.fill(0);
    }
    return writer.commit();
  }

  /** An upload of which the first part is there, and the second never comes. */
  async function beginOnly(id: string): Promise<void> {
    const second = server.hold('before', ({ url }) => url.includes(id) && url.includes('partNumber=2'));
    const writer = await store.begin(id);
    await writer.write(randomBytes(11 * 2 ** 20));
    await second;
  }

  for (const [what, size] of [
    ['nothing', 0],
    ['less than a part', 1_000_000],
    ['exactly a part', 5 * 2 ** 20],
    ['several parts', 12 * 2 ** 20 + 7],
  ] as const)
    it(`keeps ${what}`, async () => {
      const bytes = randomBytes(size);
      const url = await put(randomUUID(), bytes);
      assert.deepEqual(Buffer.concat(await (await store.read(url)).toArray()), bytes);
      assert.equal(await store.size(url), size);
      if (size > 0) {
        const range = { start: size - 500, end: size - 1 };
        assert.deepEqual(Buffer.concat(await (await store.read(url, range)).toArray()), bytes.subarray(-500));
        assert.deepEqual(await store.readAt(url, 10, 20), bytes.subarray(10, 30));
      }
      await store.remove(url);
      await store.remove(url);
      await assert.rejects(store.read(url), NotFound);
    });

  it('has nothing of what was not committed, and takes away what is left of it', async () => {
    const id = randomUUID();
    const writer = await store.begin(id);
    await writer.write(randomBytes(6 * 2 ** 20));
    await assert.rejects(store.read(`s3:${id}`), NotFound);
    await writer.abort();
    await put(id, randomBytes(10));
    await store.discard(id);
    await assert.rejects(store.size(`s3:${id}`), NotFound);
    await store.discard(id);
  });

  it('gives up what a killed process had begun of an image, and nothing of any other', async () => {
    const [id, other] = [randomUUID(), randomUUID()];
    for (const each of [id, id, other]) await beginOnly(each);
    const unfinished = async () => (await server.uploads()).map(({ key }) => key);
    assert.deepEqual((await unfinished()).toSorted(), [id, id, other].toSorted());
    await store.discard(id);
    assert.deepEqual(await unfinished(), [other]);
    await store.discard(other);
    assert.deepEqual(await unfinished(), []);
  });

  const isList = ({ method, url }: { method: string; url: string }) =>
    method === 'GET' && /\?uploads/.test(url);

  it('removes what it can where the server has no list of uploads, or keeps it to itself', async () => {
    for (const [status, code] of [
      [501, 'NotImplemented'],
      [405, 'MethodNotAllowed'],
      [403, 'AccessDenied'],
      [405, ''],
    ] as const) {
      const id = randomUUID();
      await put(id, randomBytes(10));
      const allow = server.refuse(status, code, isList);
      await store.discard(id);
      allow();
      assert.deepEqual(await server.objects().then((all) => all.includes(id)), false, `${status} ${code}`);
    }
  });

  it('says so where uploads cannot be listed now, and gives them up another time', async () => {
    const id = randomUUID();
    await beginOnly(id);
    for (const [status, code] of [
      [500, 'InternalError'],
      [503, 'SlowDown'],
      [403, 'RequestTimeTooSkewed'],
      [404, 'NoSuchBucket'],
    ] as const) {
      const allow = server.refuse(status, code, isList);
      await assert.rejects(store.discard(id), { name: ServiceUnavailable.name, code }, code);
      allow();
    }
    assert.equal((await server.uploads()).length, 1);
    await store.discard(id);
    assert.deepEqual(await server.uploads(), []);
  });

  it('shows addresses without its keys, and knows them again', async () => {
    const id = randomUUID();
    const address = store.addressOf(`s3:${id}`);
    assert.equal(address, `s3+${server.options.host}/images/${id}`);
    assert.doesNotMatch(address, /S3RVER/);
    assert.equal(store.urlOf(address), `s3:${id}`);
    assert.equal(store.urlOf(`s3+${server.options.host}/other/${id}`), undefined);
  });

  it('makes its bucket where it is told to', async () => {
    const options = { ...server.options, bucket: 'made-when-needed' };
    const unmade = s3Store({}, options);
    const refused = await unmade.begin('a');
    await assert.rejects(refused.commit(), ServiceUnavailable);
    const made = await s3Store({}, { ...options, createBucket: true }).begin('a');
    await made.commit();
    assert.equal(await unmade.size('s3:a'), 0);
  });

  it('is refused with the wrong keys, without repeating them', async () => {
    const other = s3Store({}, { ...server.options, accessKey: 'stranger', secretKey: 'not-the-secret' });
    await assert.rejects(other.read('s3:a'), {
      name: ServiceUnavailable.name,
      message: 'The object store refused a request: InvalidAccessKeyId.',
    });
  });
});
