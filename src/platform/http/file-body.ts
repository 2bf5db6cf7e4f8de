import { constants, type FileHandle, open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';

/**
 * Bytes that are read and sent at once. With smaller pieces more is spent on each of them than on its bytes, larger
 * ones leave the processor's cache before they are sent.
 */
const pieceSize = 1024 * 1024;
/** With more answers than these under way each has smaller pieces, so that many clients are not many times the memory. */
const few = 16;
const smallPieceSize = 128 * 1024;

/** Milliseconds that a client may take nothing before it counts as gone: glance's `client_socket_timeout`. */
const patience = 900_000;

let underWay = 0;

/**
 * A part of an open file as the body of an answer. It is sent from two buffers that take turns, one read while the
 * other is on its way: a stream of the same bytes would take new memory for each piece, and the kernel's clearing of
 * that memory costs more than the sending. Whoever is given one sends it or closes it.
 */
export class FileBody {
  readonly #file: FileHandle;
  readonly #start: number;
  /** Bytes. */
  readonly length: number;

  constructor(file: FileHandle, start: number, length: number) {
    this.#file = file;
    this.#start = start;
    this.length = length;
  }

  /**
   * Sends all of it and ends the answer, whose head says how long it is; without a client, or for one that takes
   * nothing for `stalledAfter` milliseconds, it stops. Closes the file.
   *
   * @throws errors of the medium, and where the file is shorter than it was: the connection has ended then, so that
   *   nobody takes a part for the whole
   */
  async send(answer: ServerResponse, { stalledAfter = patience } = {}): Promise<void> {
    try {
      if (!(await turn(answer))) return;
      endWhereStalled(answer, stalledAfter);
      await this.#send(answer).finally(() => underWay--);
    } finally {
      await this.close();
    }
  }

  async #send(answer: ServerResponse): Promise<void> {
    const send = sender(answer);
    underWay++;
    const size = Math.min(underWay > few ? smallPieceSize : pieceSize, this.length);
    let [buffer, other] = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
    let reading = this.#read(buffer, 0);
    try {
      for (let sent = 0; sent < this.length; ) {
        const piece = await reading;
        sent += piece.length;
        if (sent < this.length) {
          reading = this.#read(other, sent);
          // It may fail long before the piece on its way is taken: it is looked at then.
          reading.catch(() => {});
        }
        if (!(await send(piece))) return;
        [buffer, other] = [other, buffer];
      }
      answer.end();
    } catch (error) {
      answer.destroy();
      throw error;
    } finally {
      // It reads into memory that is let go of here, from a file that is closed after.
      await reading.catch(() => {});
    }
  }

  /** All of it at once, for few bytes; fewer where the file ends before. Closes the file. */
  async bytes(): Promise<Buffer> {
    try {
      const all = Buffer.allocUnsafe(this.length);
      let filled = 0;
      while (filled < all.length) {
        const { bytesRead } = await this.#file.read(all, filled, all.length - filled, this.#start + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return all.subarray(0, filled);
    } finally {
      await this.close();
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #read(into: Buffer, at: number): Promise<Uint8Array> {
    const wanted = Math.min(into.length, this.length - at);
    const { bytesRead } = await this.#file.read(into, 0, wanted, this.#start + at);
    if (bytesRead === 0) throw new Error('the file has become shorter while it was sent');
    return into.subarray(0, bytesRead);
  }
}

/**
 * The bytes of a file from `start` to `end`, both included.
 *
 * @throws what opening the file throws
 */
export async function fileBody(
  path: string,
  { start, end }: { start: number; end: number },
): Promise<FileBody> {
  return new FileBody(await open(path, constants.O_RDONLY), start, end - start + 1);
}

/** Ends the connection of a client that takes nothing of an answer any more: what it holds is held for nobody. */
export function endWhereStalled(answer: ServerResponse, milliseconds = patience): void {
  answer.setTimeout(milliseconds, () => answer.destroy());
}

/**
 * Waits for the answers that a connection is owed before this one: a client may ask for many at once and take none,
 * and memory is for the one that is sent. `false` when the client has gone.
 */
async function turn(answer: ServerResponse): Promise<boolean> {
  if (answer.destroyed || answer.socket) return !answer.destroyed;
  return new Promise((resolve) => {
    answer.once('socket', () => resolve(true));
    answer.once('close', () => resolve(false));
  });
}

/**
 * Writes pieces one after the other. The promise is kept once the kernel has the bytes, and their memory may be used
 * again: with `false` when the client has gone, of which the write itself does not always tell.
 */
function sender(answer: ServerResponse): (piece: Uint8Array) => Promise<boolean> {
  let gone = answer.destroyed;
  let settle = (_taken: boolean) => {};
  answer.once('close', () => {
    gone = true;
    settle(false);
  });
  return (piece) =>
    new Promise((resolve) => {
      if (gone) return resolve(false);
      settle = resolve;
      answer.write(piece, (error) => resolve(!error));
    });
}
