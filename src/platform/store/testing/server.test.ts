import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { missingMariadb, missingPostgres } from './server.ts';

const kinds = [
  {
    name: 'PostgreSQL',
    start: 'startPostgres',
    missing: missingPostgres(),
    folderOf: (url: URL) => url.searchParams.get('host'),
    pidFile: 'data/postmaster.pid',
  },
  {
    name: 'MariaDB',
    start: 'startMariadb',
    missing: missingMariadb(),
    folderOf: (url: URL) => dirname(url.searchParams.get('socketPath') ?? ''),
    pidFile: 'pid',
  },
] as const;

const running = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

for (const { name, start, missing, folderOf, pidFile } of kinds)
  test(`a throw-away ${name} goes when its process is killed`, {
    skip: missing && `skipped: ${missing}`,
    timeout: 60_000,
  }, async () => {
    const program = `
      const { ${start} } = await import(${JSON.stringify(import.meta.resolve('./server.ts'))});
      const server = await ${start}();
      console.log(server.url('x'));
      setInterval(() => {}, 1000);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
      const folder = folderOf(new URL(line)) ?? '';
      const pid = Number(readFileSync(`${folder}/${pidFile}`, 'utf8').split('\n')[0]);
      assert.ok(running(pid));
      child.kill('SIGKILL');
      while (running(pid) || existsSync(folder)) await delay(20);
    } finally {
      child.kill('SIGKILL');
    }
  });
