/**
 * Runs for a moment inside a network namespace (`nsenter --net=… node listen.ts <address> <parent>`): opens a listening socket
 * there, hands it to the parent, and ends. A socket stays in the namespace that it was made in, whoever holds it.
 */
import { createServer } from 'node:net';

const [address, parent] = process.argv.slice(2);
const server = createServer();
let tries = 0;
const listen = () => server.listen({ host: address, port: 80, backlog: 128 });

server.on('error', (error: NodeJS.ErrnoException) => {
  tries += 1;
  // One of these may still be ending whose parent was killed.
  if (error.code === 'EADDRINUSE' && tries < 40) setTimeout(listen, 50);
  else process.send?.({ error: error.message }, () => process.exit(1));
});
server.on('listening', () => process.send?.({ listening: true }, server));
process.on('message', () => process.exit(0));
// With a socket under way, the end of the channel to a parent that was killed goes unnoticed: so look who is the parent.
const watch = () => {
  if (process.ppid !== Number(parent)) process.exit(1);
};
setInterval(watch, 25);
watch();
listen();
