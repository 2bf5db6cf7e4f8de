import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver, { type S3Context } from 's3rver';
import type { S3Options } from '../drivers/s3.ts';

export interface RunningS3 extends AsyncDisposable {
  options: S3Options;
  /** Keys of the bucket's objects. */
  objects(): Promise<string[]>;
  /** Ids of uploads in parts that were neither finished nor given up, and what they are of. */
  uploads(): Promise<{ id: string; key: string }[]>;
  /**
   * Does not answer the next request of this kind, before or after its work is done.
   * @returns kept once the request has come to that, with what lets it go on
   */
  hold(
    when: 'before' | 'after',
    wanted: (request: { method: string; url: string }) => boolean,
  ): Promise<() => void>;
  /** Ends all connections, in the middle of whatever is on them. */
  breakConnections(): void;
  /** Refuses requests of this kind, until the function that is returned is called. */
  refuse(
    status: number,
    code: string,
    wanted: (request: { method: string; url: string }) => boolean,
  ): () => void;
}

/** An S3 server of its own on loopback, with a bucket. */
export async function startS3(bucket = 'images'): Promise<RunningS3> {
  const directory = await mkdtemp(join(tmpdir(), 'cumulet-s3-'));
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: bucket }],
  });
  const parts = join(directory, bucket, '._S3rver_uploads');
  const held = new Set<{
    when: string;
    wanted: (request: S3Context) => boolean;
    reached(release: () => void): void;
  }>();
  const refused = new Set<{ status: number; code: string; wanted: (request: S3Context) => boolean }>();
  const pass = async (when: string, context: S3Context) => {
    for (const each of held)
      if (each.when === when && each.wanted(context)) {
        held.delete(each);
        await new Promise<void>((resolve) => each.reached(resolve));
      }
  };

  async function uploads(): Promise<{ id: string; key: string }[]> {
    const ids = await readdir(parts).catch(() => []);
    return Promise.all(ids.map(async (id) => ({ id, key: await readFile(join(parts, id, 'key'), 'utf8') })));
  }

  // What s3rver does not have of S3: to list the uploads in parts, and to give one up.
  server.middleware.unshift(async (context, next) => {
    await pass('before', context);
    const { method, path, query } = context;
    const refusal = [...refused].find(({ wanted }) => wanted(context));
    if (refusal) {
      context.status = refusal.status;
      context.body = refusal.code && `<Error><Code>${refusal.code}</Code></Error>`;
      return;
    }
    const key = decodeURIComponent(path.split('/').slice(2).join('/'));
    if (method === 'GET' && key === '' && query['uploads'] !== undefined) {
      const found = (await uploads()).filter((each) => each.key.startsWith(query['prefix'] ?? ''));
      const listed = found.map(
        ({ id, key: of }) => `<Upload><Key>${of}</Key><UploadId>${id}</UploadId></Upload>`,
      );
      context.body = `<ListMultipartUploadsResult>${listed.join('')}</ListMultipartUploadsResult>`;
    } else if (method === 'DELETE' && query['uploadId'] !== undefined) {
      const known = (await uploads()).some(({ id }) => id === query['uploadId']);
      if (known) await rm(join(parts, query['uploadId']), { recursive: true });
      context.status = known ? 204 : 404;
      context.body = known ? null : '<Error><Code>NoSuchUpload</Code></Error>';
    } else await next();
    await pass('after', context);
  });
  const { port } = await server.run();
  return {
    uploads,
    async objects() {
      const suffix = '._S3rver_object';
      return (await readdir(join(directory, bucket)))
        .filter((name) => name.endsWith(suffix))
        .map((name) => name.slice(0, -suffix.length));
    },
    hold(when, wanted) {
      const { promise, resolve } = Promise.withResolvers<() => void>();
      held.add({ when, wanted, reached: resolve });
      return promise;
    },
    breakConnections: () => server.httpServer.closeAllConnections(),
    refuse(status, code, wanted) {
      const refusal = { status, code, wanted };
      refused.add(refusal);
      return () => refused.delete(refusal);
    },
    options: {
      host: `http://127.0.0.1:${port}`,
      bucket,
      accessKey: 'S3RVER',
      secretKey: 'S3RVER',
      region: 'us-east-1',
      partSize: 5 * 2 ** 20,
      createBucket: false,
    },
    async [Symbol.asyncDispose]() {
      // Those that were held back are open for as long as nobody answers them.
      server.httpServer.closeAllConnections();
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
