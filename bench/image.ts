import { randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../src/platform/exec/run.ts';
import type { BenchCloud } from './cloud.ts';
import { median } from './load.ts';
import { type Bench, inTurn, leavingNothing, reads } from './measure.ts';
import { progress } from './progress.ts';

const mebibyte = 1 << 20;
/** Bytes: 1 GiB. */
const size = 1024 * mebibyte;
/** Nobody else's images are called so. */
const name = 'cumulet-bench';

/** A file that is no disk of a known format, in memory where there is a file system for that. */
async function content(): Promise<string> {
  const path = join('/dev/shm', `cumulet-bench-${process.pid}`);
  const block = randomBytes(16 * mebibyte);
  await using file = await open(path, 'w', 0o600);
  for (let at = 0; at < size; at += block.length) await file.write(block);
  return path;
}

interface Transfer {
  seconds: number;
  /** Seconds of processor of the cloud; undefined where its processes are not known. */
  processor: number | undefined;
}

async function transfer(cloud: BenchCloud, args: readonly string[]): Promise<Transfer> {
  const headers = [
    `X-Auth-Token: ${await cloud.token()}`,
    'Content-Type: application/octet-stream',
    // Servers that do not answer curl's question whether it may begin would have it wait a second each time.
    'Expect:',
  ];
  const before = await cloud.cpuSeconds();
  const startedAt = performance.now();
  await run(['curl', '--silent', '--show-error', '--fail', '--noproxy', '*', '--header', '@-', ...args], {
    deadline: 300_000,
    input: `${headers.join('\n')}\n`,
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await cloud.cpuSeconds();
  return {
    seconds,
    processor: after === undefined || before === undefined ? undefined : after - before,
  };
}

const make = (cloud: BenchCloud) =>
  cloud.request<{ id: string }>('image', 'POST', '/v2/images', {
    name,
    disk_format: 'raw',
    container_format: 'bare',
  });

async function clear(cloud: BenchCloud): Promise<void> {
  const { images } = await cloud.request<{ images: { id: string }[] }>(
    'image',
    'GET',
    `/v2/images?name=${name}&limit=100`,
  );
  for (const { id } of images) await cloud.request('image', 'DELETE', `/v2/images/${id}`);
}

async function transfers({ clouds, runs, report }: Bench, path: string): Promise<void> {
  const all = await inTurn(clouds, runs, async (cloud) => {
    progress(`${cloud.name}: 1 GiB up and down`);
    const { id } = await make(cloud);
    const url = cloud.url('image', `/v2/images/${id}/file`);
    const up = await transfer(cloud, ['--upload-file', path, url]);
    const down = await transfer(cloud, ['--output', '/dev/null', url]);
    await cloud.request('image', 'DELETE', `/v2/images/${id}`);
    return { up, down };
  });
  for (const way of ['up', 'down'] as const) {
    const figures = all.map((results) => {
      const processor = results.map((one) => one[way].processor).filter((one) => one !== undefined);
      return {
        value: size / 1e6 / median(results.map((one) => one[way].seconds)),
        ...(processor.length > 0 ? { note: `${median(processor).toFixed(2)} s of processor` } : {}),
      };
    });
    report(`${way}load an image of 1 GiB`, 'MB/s', figures);
  }
}

/** Lists, and an image of a GiB up and down. */
export async function imageMeasures(bench: Bench): Promise<void> {
  await leavingNothing(bench.clouds, clear, async () => {
    for (const cloud of bench.clouds) await make(cloud);
    for (const clients of [1, 8]) await reads(bench, 'list images', 'image', '/v2/images', clients);
    progress('a file of 1 GiB');
    const path = await content();
    try {
      await transfers(bench, path);
    } finally {
      await rm(path, { force: true });
    }
  });
}
