import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { run } from '../src/platform/exec/run.ts';
import { python, stestr } from './debian.ts';
import type { Outcome } from './results.ts';
import type { ListedTest } from './selection.ts';
import { formatConf, type TempestConf } from './tempest-conf.ts';

/** A folder in which Tempest finds its configuration and leaves its traces. */
export interface Workspace {
  folder: string;
  env: Record<string, string>;
}

/** Makes a workspace. The configuration has the administrator's password in it: only the owner may read it. */
export async function createWorkspace(folder: string, conf: TempestConf): Promise<Workspace> {
  mkdirSync(join(folder, 'lock'), { recursive: true });
  writeFileSync(join(folder, 'tempest.conf'), formatConf(conf), { mode: 0o600 });
  const where = 'import os, tempest; print(os.path.dirname(tempest.__file__))';
  const code = (await run([python, '-c', where])).stdout.trim();
  const group = String.raw`([^\.]*\.)*`;
  writeFileSync(
    join(folder, '.stestr.conf'),
    `[DEFAULT]\ntest_path=${code}/test_discover\ntop_dir=${join(code, '..')}\ngroup_regex=${group}\n`,
  );
  // TESTR_PDB as Tempest's own runner sets it: otherwise stestr swallows tracebacks.
  const env = { TEMPEST_CONFIG_DIR: folder, TEMPEST_CONFIG: 'tempest.conf', PYTHON: python, TESTR_PDB: '' };
  await run([stestr, 'init'], { cwd: folder, env });
  return { folder, env };
}

/** Every test of the installed suites. */
export async function listTests({ folder, env }: Workspace): Promise<ListedTest[]> {
  const { stdout } = await run([stestr, 'list'], { cwd: folder, env, deadline: 300_000 });
  return stdout.split('\n').filter((line) => /^[\w.]+\.test\w*/.test(line));
}

/**
 * Runs tests, in `concurrency` processes.
 *
 * @param onOutcome told of each as it ends
 * @throws Error when the runner itself fails; failing tests are outcomes
 */
export async function runTests(
  { folder, env }: Workspace,
  tests: readonly ListedTest[],
  concurrency: number,
  onOutcome: (outcome: Outcome) => void,
): Promise<Outcome[]> {
  const names = join(folder, 'tests.txt');
  writeFileSync(names, `${tests.join('\n')}\n`);
  const runner = spawn(
    stestr,
    ['run', '--subunit', '--concurrency', String(concurrency), '--load-list', names],
    {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const reader = spawn(python, [join(import.meta.dirname, 'subunit-results.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  runner.stdout.pipe(reader.stdin);
  let complaints = '';
  runner.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4000);
  });
  const ended = once(runner, 'close');
  const read = once(reader, 'close');
  const outcomes: Outcome[] = [];
  for await (const line of createInterface({ input: reader.stdout })) {
    const outcome = JSON.parse(line) as Outcome;
    if (outcome.status === 'exists') continue;
    outcomes.push(outcome);
    onOutcome(outcome);
  }
  const [status] = (await ended) as [number | null];
  await read;
  // 1 says that a test failed, which is not the runner's failure; with nothing run it is.
  if (outcomes.length === 0 || (status !== 0 && status !== 1)) {
    throw new Error(`stestr ended with ${status} after ${outcomes.length} tests: ${complaints.trim()}`);
  }
  return outcomes;
}
