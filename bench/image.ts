import { randomBytes } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../src/platform/exec/run.ts';
import type { BenchCloud } from './cloud.ts';
import { median } from './load.ts';
import type { Reads, Report } from './placement.ts';

const mebibyte = 1 << 20;
/** Bytes: 1 GiB. */
const size = 1024 * mebibyte;

/** Seconds of processor that a process and its threads have had. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** A file that is no disk of a known format, in memory where there is a file system for that. */
async function content(): Promise<string> {
  const path = join('/dev/shm', `cumulet-bench-${process.pid}`);
  const block = randomBytes(16 * mebibyte);
  await using file = await open(path, 'w', 0o600);
  for (let at = 0; at < size; at += block.length) await file.write(block);
  return path;
}

async function transfer(
  cloud: BenchCloud,
  args: readonly string[],
): Promise<{ seconds: number; cpu: number }> {
  const before = await cpuSeconds(cloud.pid);
  const startedAt = performance.now();
  await run(['curl', '--silent', '--show-error', '--fail', '--header', '@-', ...args], {
    deadline: 300_000,
    input: `X-Auth-Token: ${cloud.token}\nContent-Type: application/octet-stream\n`,
  });
  return { seconds: (performance.now() - startedAt) / 1000, cpu: (await cpuSeconds(cloud.pid)) - before };
}

/** Lists, and an image of a GiB up and down. */
export async function imageMeasures(
  cloud: BenchCloud,
  reads: Reads,
  report: Report,
  runs: number,
): Promise<void> {
  const make = () =>
    cloud.request<{ id: string }>('image', 'POST', '/v2/images', {
      name: 'bench',
      disk_format: 'raw',
      container_format: 'bare',
    });
  await make();
  for (const clients of [1, 8]) await reads(cloud, 'list images', 'image', '/v2/images', clients);
  const path = await content();
  try {
    const ups = [];
    const downs = [];
    for (let each = 0; each < runs; each++) {
      const { id } = await make();
      const url = `${cloud.urls['image']}/v2/images/${id}/file`;
      ups.push(await transfer(cloud, ['--upload-file', path, url]));
      downs.push(await transfer(cloud, ['--output', '/dev/null', url]));
      await cloud.request('image', 'DELETE', `/v2/images/${id}`);
    }
    const megabytes = size / 1e6;
    for (const [what, all] of [
      ['upload an image of 1 GiB', ups],
      ['download an image of 1 GiB', downs],
    ] as const) {
      const cpu = median(all.map((one) => one.cpu));
      report(
        what,
        megabytes / median(all.map(({ seconds }) => seconds)),
        'MB/s',
        `${cpu.toFixed(1)} s of processor`,
      );
    }
  } finally {
    await rm(path, { force: true });
  }
}
