import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RunningWeb extends AsyncDisposable {
  origin: string;
  port: number;
  /** What is answered, by path; 404 for the rest. */
  answers: Map<string, (request: IncomingMessage, response: ServerResponse) => void>;
}

/** A web server of its own on loopback. */
export async function startWeb(): Promise<RunningWeb> {
  const answers: RunningWeb['answers'] = new Map();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://web').pathname;
    const known = answers.get(path);
    if (known) known(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    answers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
