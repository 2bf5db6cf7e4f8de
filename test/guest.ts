import type { ApiClient } from '../src/cloud/api-client.ts';
import { CommandFailed, run } from '../src/platform/exec/run.ts';
import { type Server, type TestCloud, until } from './cloud.ts';

/** A way into a guest. */
export class Login {
  readonly #command: readonly [string, ...string[]];

  /** @param address where the guest is reached from outside, with the key that `cumulet demo` has made */
  constructor(cloud: TestCloud, address: string) {
    const options = [
      'BatchMode=yes',
      'ConnectTimeout=4',
      'LogLevel=ERROR',
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
    ].flatMap((option) => ['-o', option]);
    this.#command = ['ssh', '-i', `${cloud.stateDir}/demo-key`, ...options, `cumulet@${address}`];
  }

  /** Runs a line of shell in the guest. @returns what it printed. @throws CommandFailed */
  async run(line: string, deadline = 20_000): Promise<string> {
    return (await run([...this.#command, line], { deadline })).stdout.trim();
  }

  /** Waits until the guest lets us in. */
  open(): Promise<true> {
    return until('a login by SSH', () => this.tries(), { every: 300 });
  }

  /** Whether a new connection is let in now. */
  async tries(): Promise<boolean> {
    try {
      await this.run('true', 8_000);
      return true;
    } catch (error) {
      if (error instanceof CommandFailed) return false;
      throw error;
    }
  }
}

export const serverOf = async (client: ApiClient, id: string): Promise<Server> =>
  (await client.get<{ server: Server }>('compute', `/servers/${id}`)).server;

/** Waits until a server has one of the states. @returns it. @throws Error with its fault when it is in ERROR instead */
export async function settledAs(client: ApiClient, id: string, ...states: string[]): Promise<Server> {
  let last: Server | undefined;
  return until(
    `server ${id} to become ${states.join(' or ')}`,
    async () => {
      last = await serverOf(client, id);
      if (last.status === 'ERROR' && !states.includes('ERROR'))
        throw new Error(`server ${id} failed: ${last.fault?.message}`);
      return states.includes(last.status) && last;
    },
    { last: () => last?.status },
  );
}

export async function consoleLog(client: ApiClient, id: string): Promise<string> {
  const { output } = await client.post<{ output: string }>('compute', `/servers/${id}/action`, {
    'os-getConsoleOutput': {},
  });
  return output;
}

/** Waits for the line that ends the guest's boot: its user data has run then. @returns the console's log */
export function booted(client: ApiClient, id: string): Promise<string> {
  return until(
    'the guest to be ready',
    async () => {
      const log = await consoleLog(client, id);
      return log.includes('cumulet-guest: ready') && log;
    },
    { every: 300 },
  );
}
