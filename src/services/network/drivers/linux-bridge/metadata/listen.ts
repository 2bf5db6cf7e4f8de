/**
 * Runs for a moment inside a network namespace (`nsenter --net=… node listen.ts <address>`): opens a listening socket
 * there, hands it to the parent, and ends. A socket stays in the namespace that it was made in, whoever holds it.
 */
import { createServer } from 'node:net';

const address = process.argv[2];
const server = createServer();
server.on('error', (error) => process.send?.({ error: error.message }, () => process.exit(1)));
server.listen({ host: address, port: 80, backlog: 128 }, () => process.send?.({ listening: true }, server));
process.on('message', () => process.exit(0));
process.on('disconnect', () => process.exit(1));
