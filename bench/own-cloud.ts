import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOpenrc } from '../conformance/cloud.ts';
import { run } from '../src/platform/exec/run.ts';
import { type BenchCloud, connect } from './cloud.ts';
import { cpuSeconds, residentMib } from './processes.ts';

/** A cloud of this checkout, made for measuring. */
export interface OwnCloud extends BenchCloud {
  stateDir: string;
  /** Seconds from the command to its end, when every API answers. */
  startSeconds: number;
}

const command = fileURLToPath(new URL('../bin/cumulet', import.meta.url));

/** Starts a cloud in a state directory of its own; a real one wants root and a network namespace made for it. */
export async function startOwnCloud(portOffset: number, kind: 'simulated' | 'real'): Promise<OwnCloud> {
  const stateDir = await mkdtemp(join(tmpdir(), 'cumulet-bench-'));
  const flags = [
    ...(kind === 'simulated' ? ['--simulated'] : []),
    '--state-dir',
    stateDir,
    '--port-offset',
    String(portOffset),
  ];
  const destroy = async () => {
    await run([command, 'destroy', '--yes', ...flags], { deadline: 120_000 });
    await rm(stateDir, { recursive: true, force: true });
  };
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= destroy();
    return closing;
  };
  try {
    const startedAt = performance.now();
    await run([command, 'up', ...flags, '--log-level', 'warn', '--detach'], { deadline: 120_000 });
    const startSeconds = (performance.now() - startedAt) / 1000;
    const { pid } = JSON.parse(await readFile(join(stateDir, 'process.json'), 'utf8')) as { pid: number };
    return {
      name: 'cumulet',
      stays: false,
      stateDir,
      startSeconds,
      ...(await connect(readOpenrc(join(stateDir, 'admin-openrc')))),
      cpuSeconds: () => cpuSeconds([pid]),
      residentMib: () => residentMib([pid], 'Rss'),
      close,
    };
  } catch (error) {
    // The first error is the one that counts.
    await close().catch(() => {});
    throw error;
  }
}
