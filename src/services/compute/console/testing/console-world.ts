import type { TestContext } from 'node:test';
import { startWorld } from '../../../../platform/service/testing/world.ts';
import { type ComputeAgent, type ConsoleAccess, computeAgent, computeService } from '../../contract.ts';
import { consoleProxy } from '../service.ts';

export interface ConsoleWorld {
  url: string;
  /** A token that opens a console once. */
  token(access?: Partial<ConsoleAccess>): string;
  /** Everything that was logged, as text. */
  logged(): string;
  close(): Promise<void>;
}

/** The console service, and on the bus a compute that gives out tokens and an agent that knows `consoleSocket`. */
export async function consoleWorld(
  t: TestContext,
  consoleSocket: ComputeAgent['consoleSocket'],
): Promise<ConsoleWorld> {
  const tokens = new Map<string, ConsoleAccess>();
  const lines: string[] = [];
  const log = (fields: object, message: string) => {
    const { err } = fields as { err?: Error };
    lines.push(`${message} ${JSON.stringify(fields)} ${err?.stack ?? ''}`);
  };
  const world = await startWorld([consoleProxy], {
    log: { debug: log, info: log, warn: log, error: log },
    async prepare(bus) {
      await bus.serve(computeService, {
        async redeemConsoleToken({ token }) {
          const access = tokens.get(token) ?? null;
          tokens.delete(token);
          return access;
        },
      });
      await bus.serve(computeAgent, { consoleSocket }, { host: 'host-1' });
    },
  });
  let open = true;
  const close = async () => {
    if (open) await world[Symbol.asyncDispose]();
    open = false;
  };
  t.after(close);
  return {
    url: world.urls['console'] as string,
    token(access = {}) {
      const token = crypto.randomUUID();
      tokens.set(token, { serverId: 'server-1', host: 'host-1', type: 'novnc', ...access });
      return token;
    },
    logged: () => lines.join('\n'),
    close,
  };
}
