import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ApiClient } from '../src/cloud/api-client.ts';
import { accountsOf, secretsOf } from '../src/cloud/state-files.ts';
import { type RunResult, run } from '../src/platform/exec/run.ts';
import { cumulet } from './namespace.ts';

/** A server, as far as these tests look at it. */
export interface Server {
  id: string;
  name: string;
  status: string;
  fault?: { message: string };
}

/** A cloud as its operator has it: by the command and a state directory, its clients beside it. */
export class TestCloud {
  readonly stateDir: string;
  readonly #flags: readonly string[];

  constructor(stateDir: string, flags: readonly string[] = []) {
    this.stateDir = stateDir;
    this.#flags = flags;
  }

  /** Runs a subcommand of `bin/cumulet` on this cloud. @throws CommandFailed */
  command(name: string, ...args: string[]): Promise<RunResult> {
    return run([cumulet, name, ...args, '--state-dir', this.stateDir, ...this.#flags], { deadline: 300_000 });
  }

  up(): Promise<RunResult> {
    return this.command('up', '--detach');
  }

  /** The process that runs the cloud. */
  get pid(): number {
    const { pid } = JSON.parse(readFileSync(join(this.stateDir, 'process.json'), 'utf8')) as { pid: number };
    return pid;
  }

  /** Ends the cloud's process as `kill -9` does, and waits until it is gone. */
  async kill(): Promise<void> {
    const { pid } = this;
    process.kill(pid, 'SIGKILL');
    await until('the end of the process', () => !isRunning(pid), { every: 5 });
  }

  /** Runs the stock client. @returns what it printed. @throws CommandFailed */
  async openstack(account: 'admin' | 'demo', ...words: string[]): Promise<string> {
    const { stdout } = await run(['openstack', '--os-cloud', `cumulet-${account}`, ...words], {
      deadline: 240_000,
      env: { OS_CLIENT_CONFIG_FILE: join(this.stateDir, 'clouds.yaml') },
    });
    return stdout.trim();
  }

  /** A client of our own, for what is not worth seconds of the stock client's start. */
  async client(account: 'admin' | 'demo'): Promise<ApiClient> {
    const { urls } = JSON.parse(await readFile(join(this.stateDir, 'process.json'), 'utf8')) as {
      urls: Record<string, string>;
    };
    const found = accountsOf(await secretsOf(this.stateDir)).find(({ user }) => user === account);
    if (!found) throw new Error(`no account ${account}`);
    return ApiClient.login(urls['identity'] ?? '', found);
  }
}

function isRunning(pid: number): boolean {
  try {
    // What has ended and is not yet waited for by its parent is in state Z.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/**
 * Waits until something is true.
 *
 * @param seen gives something true, or `undefined`, `false` while it is not so yet
 * @throws Error that says what was waited for, and what was seen last
 */
export async function until<T>(
  what: string,
  seen: () => T | undefined | false | Promise<T | undefined | false>,
  { patience = 90_000, every = 100, last }: { patience?: number; every?: number; last?: () => unknown } = {},
): Promise<T> {
  const end = performance.now() + patience;
  for (;;) {
    const found = await seen();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end)
      throw new Error(
        `waited ${patience / 1000} s for ${what}${last ? `; seen last: ${JSON.stringify(last())}` : ''}`,
      );
    await wait(every);
  }
}
