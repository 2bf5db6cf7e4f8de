import { createServer } from 'node:http';
import type { ServiceDefinition } from '../../../platform/service/service.ts';
import { answerFile, consoleFiles } from './files.ts';
import { ConsoleProxy } from './proxy.ts';

const port = 6080;
/** A page loads some sixty modules over a few connections; there may be many pages. */
const mostConnections = 1024;

/** Shows the screens of servers in the browser, and carries their serial consoles. */
export const consoleProxy: ServiceDefinition = {
  name: 'console',
  port,
  async start(platform) {
    const files = await consoleFiles();
    const proxy = new ConsoleProxy(platform);
    const server = createServer(
      { headersTimeout: 10_000, requestTimeout: 15_000, maxHeaderSize: 16 * 1024 },
      (request, response) => answerFile(files, request, response),
    );
    server.maxConnections = mostConnections;
    server.on('upgrade', (request, socket, head) => proxy.upgrade(request, socket, head));
    server.on('clientError', (_error, socket) => socket.destroy());
    await platform.listenWith(server, port);
    return { close: async () => proxy.close() };
  },
};
