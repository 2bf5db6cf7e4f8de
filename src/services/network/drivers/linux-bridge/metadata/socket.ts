import { spawn } from 'node:child_process';
import type { Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Namespaces } from '../namespaces.ts';

const script = fileURLToPath(new URL('./listen.ts', import.meta.url));
const deadline = 15_000;

/**
 * A socket that listens on port 80 of an address in another network namespace, held by this process: no helper stays
 * behind in the namespace.
 *
 * @throws Error when the address can't be listened on
 */
export function listenInNamespace(
  namespaces: Namespaces,
  namespace: string,
  address: string,
): Promise<Server> {
  const [program, ...args] = [
    ...namespaces.enter(namespace),
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    script,
    address,
    String(process.pid),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(program ?? '', args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let words = '';
    let server: Server | undefined;
    child.stderr?.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-1000);
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), deadline);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('message', (message: { error?: string }, handle) => {
      if (child.connected) child.send('taken');
      if (message.error) words = message.error;
      else {
        server = handle as Server;
        // Connections come from now on: whoever waits must be there before the next one.
        resolve(server);
      }
    });
    child.on('exit', () => {
      clearTimeout(timer);
      if (!server) reject(new Error(`${namespace}: no socket at ${address}: ${words.trim()}`));
    });
  });
}
