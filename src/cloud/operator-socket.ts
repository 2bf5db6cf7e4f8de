import { chmodSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import { type ErrorRecord, fromErrorRecord, toErrorRecord } from '../platform/errors/errors.ts';
import type { OperatorAnswer } from '../platform/service/service.ts';

const socketPath = (stateDir: string): string => join(stateDir, 'operator.sock');

/** Lets the operator's commands ask the running cloud; the state directory's owner alone can reach the socket. */
export async function serveOperator(
  stateDir: string,
  offers: ReadonlyMap<string, OperatorAnswer>,
): Promise<Server> {
  const path = socketPath(stateDir);
  rmSync(path, { force: true });
  const server = createServer(async (incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://operator');
    try {
      const answer = offers.get(url.pathname.slice(1));
      if (!answer && url.pathname !== '/') {
        response
          .writeHead(404)
          .end(JSON.stringify({ kind: 'Error', message: `nothing is called ${url.pathname}` }));
        return;
      }
      const result = answer ? await answer(Object.fromEntries(url.searchParams)) : [...offers.keys()];
      response.writeHead(200).end(JSON.stringify(result ?? null));
    } catch (error) {
      response.writeHead(500).end(JSON.stringify(toErrorRecord(error)));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return server;
}

/**
 * Asks the cloud that runs from a state directory.
 * @param what as the service offers it: `compute/flows`
 * @throws Error when no cloud runs there; what the service throws
 */
export async function askCloud(
  stateDir: string,
  what: string,
  args: Record<string, string> = {},
): Promise<unknown> {
  const query = new URLSearchParams(args).toString();
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const asking = request(
      { socketPath: socketPath(stateDir), path: `/${what}${query ? `?${query}` : ''}`, method: 'GET' },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 500, text: body }));
        response.on('error', reject);
      },
    );
    asking.on('error', (cause) =>
      reject(new Error(`no cloud runs from ${stateDir}: start it with  cumulet up`, { cause })),
    );
    asking.end();
  });
  const answer: unknown = JSON.parse(text);
  if (status !== 200) throw fromErrorRecord(answer as ErrorRecord);
  return answer;
}
