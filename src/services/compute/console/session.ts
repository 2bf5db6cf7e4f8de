import { connect } from 'node:net';
import type { RawData, WebSocket } from 'ws';

/** Why a WebSocket was closed: WebSocket's own codes, and 4000 + the HTTP status of what went wrong. */
export interface Ending {
  code: number;
  /** For people; no secrets. At most 123 bytes are sent. */
  reason: string;
}

/** How much of the guest's screen may wait for a slow client before the guest's side has to wait too. */
const mostBuffered = 1024 * 1024;
const unreachable: Ending = { code: 1011, reason: 'The console of the server cannot be reached.' };

/**
 * Joins a client to a console: bytes go both ways, neither side faster than the other takes them, until one ends.
 * Bytes that the guest sends in one piece stay one message.
 *
 * @param path of the console's unix socket
 * @returns how it ended, when both sides are closed
 */
export function joinConsole(client: WebSocket, path: string): Promise<Ending> {
  const guest = connect({ path });
  let connected = false;
  let ending: Ending | undefined;
  const end = (how: Ending) => {
    ending ??= how;
    guest.destroy();
    closeWith(client, ending);
  };

  guest.on('connect', () => {
    connected = true;
  });
  guest.on('data', (bytes: Buffer) => {
    client.send(bytes, { binary: true }, () => {
      if (guest.isPaused() && client.bufferedAmount <= mostBuffered) guest.resume();
    });
    if (client.bufferedAmount > mostBuffered) guest.pause();
  });
  guest.on('drain', () => client.resume());
  guest.on('error', () =>
    end(connected ? { code: 1011, reason: 'The console of the server broke off.' } : unreachable),
  );
  guest.on('close', () => end({ code: 1000, reason: 'The server closed its console.' }));

  client.on('message', (data: RawData) => {
    // The default binaryType gives every message as a Buffer, text too: what is typed at a serial console may be text.
    if (!guest.write(data as Buffer)) client.pause();
  });
  client.on('error', () => end({ code: 1009, reason: 'The client sent what no client sends.' }));

  return new Promise((resolve) => {
    client.on('close', () => {
      end({ code: 1000, reason: 'The client closed the console.' });
      resolve(ending as Ending);
    });
  });
}

/** Says why, and closes; the reason is cut to what a close frame holds. */
export function closeWith(client: WebSocket, { code, reason }: Ending): void {
  if (client.readyState !== client.OPEN) return;
  let said = reason;
  while (Buffer.byteLength(said) > 123) said = said.slice(0, -1);
  // A client that does not take any more may never answer: it must be read from to hear that it has.
  client.resume();
  client.close(code, said);
}
