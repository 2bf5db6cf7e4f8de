import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cpuSeconds, readPids, residentMib } from './processes.ts';

/** A program whose child works for a while, and which then waits; `ready` when the child is gone. */
async function parentOfWorker() {
  const work = 'for (const until = process.cpuUsage().user + 3e5; process.cpuUsage().user < until; );';
  const script = `require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(work)}]);
    console.log('ready'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = child.pid ?? Number.NaN;
  return {
    pid,
    ready: once(child.stdout, 'data'),
    async [Symbol.asyncDispose]() {
      child.kill();
      await once(child, 'exit');
    },
  };
}

test('what a process has had of the processors holds what its ended children had', async () => {
  await using parent = await parentOfWorker();
  await parent.ready;
  assert.ok((await cpuSeconds([parent.pid])) >= 0.3);
});

test('a process is counted with all that it started', async () => {
  await using parent = await parentOfWorker();
  await parent.ready;
  const [alone, together] = [await residentMib([parent.pid], 'Rss'), await residentMib([process.pid], 'Rss')];
  assert.ok(alone > 10);
  assert.ok(together > alone);
});

test('pids come from a file or from a folder of them, and each must run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-pids-'));
  try {
    await writeFile(join(folder, 'one.pid'), `${process.pid}\n`);
    await writeFile(join(folder, 'two.pid'), `${process.ppid}\n`);
    await writeFile(join(folder, 'service.sock'), 'no pid');
    assert.deepEqual(new Set(await readPids(folder)), new Set([process.pid, process.ppid]));
    assert.deepEqual(await readPids(join(folder, 'one.pid')), [process.pid]);
    await writeFile(join(folder, 'gone.pid'), '4194305');
    await assert.rejects(readPids(folder), /4194305 is no running process/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
