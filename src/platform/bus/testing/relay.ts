import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Relay {
  port: number;
  /** Breaks every connection, as a network does; new ones are refused until `mend`. */
  cut(): void;
  mend(): void;
  stop(): Promise<void>;
}

/** A TCP relay to a port on loopback, to take a network away from under a client. */
export async function startRelay(to: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let broken = false;
  const server = createServer((from) => {
    const onward = connect(to, '127.0.0.1');
    for (const [socket, peer] of [
      [from, onward],
      [onward, from],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        peer.destroy();
      });
      socket.pipe(peer);
    }
    if (broken) from.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    broken = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    cut,
    mend() {
      broken = false;
    },
    async stop() {
      cut();
      await once(server.close(), 'close');
    },
  };
}
