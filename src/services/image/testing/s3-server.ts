import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import type { S3Options } from '../drivers/s3.ts';

export interface RunningS3 extends AsyncDisposable {
  options: S3Options;
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
  const { port } = await server.run();
  return {
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
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
