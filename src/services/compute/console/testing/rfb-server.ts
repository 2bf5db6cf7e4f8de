import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RfbServer {
  /** Of its unix socket. */
  path: string;
  /** What clients pressed: X11 keysyms. */
  pressed: number[];
  /** Ends the sessions, as a guest does that is switched off. */
  hangUp(): void;
  /** Resolves when no session is left. */
  idle(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

type Colour = readonly [red: number, green: number, blue: number];

export interface Screen {
  name: string;
  width: number;
  height: number;
  pixel(x: number, y: number): Colour;
}

/** A server of RFB 3.8 (RFC 6143) without security on a unix socket, with a picture that never changes. */
export async function rfbServer(screen: Screen): Promise<RfbServer> {
  const folder = await mkdtemp(join(tmpdir(), 'cumulet-rfb-'));
  const path = join(folder, 'vnc.sock');
  const pressed: number[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that leaves in the middle is no failure of the test.
    serve(socket, screen, pressed).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const hangUp = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    path,
    pressed,
    hangUp,
    async idle() {
      for (const socket of sockets) await new Promise((resolve) => socket.once('close', resolve));
    },
    async [Symbol.asyncDispose]() {
      hangUp();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

async function serve(socket: Socket, screen: Screen, pressed: number[]): Promise<void> {
  const read = reader(socket);
  socket.write('RFB 003.008\n');
  if ((await read(12)).toString() !== 'RFB 003.008\n') throw new Error('another version');
  socket.write(Uint8Array.of(1, 1));
  if ((await read(1))[0] !== 1) throw new Error('another security type');
  socket.write(Buffer.alloc(4));
  await read(1);
  socket.write(serverInit(screen));

  let shifts = [16, 8, 0];
  let drawn = false;
  for (;;) {
    const type = (await read(1))[0];
    if (type === 0) shifts = [...(await read(19)).subarray(13, 16)];
    else if (type === 2) await read(4 * (await read(3)).readUInt16BE(1));
    else if (type === 3) {
      await read(9);
      if (!drawn) socket.write(framebufferUpdate(screen, shifts));
      drawn = true;
    } else if (type === 4) {
      const event = await read(7);
      if (event[0] === 1) pressed.push(event.readUInt32BE(3));
    } else if (type === 5) await read(5);
    else if (type === 6) await read((await read(7)).readUInt32BE(3));
    else throw new Error(`message ${type}`);
  }
}

function serverInit({ width, height, name }: Screen): Buffer {
  const init = Buffer.alloc(24);
  init.writeUInt16BE(width, 0);
  init.writeUInt16BE(height, 2);
  // 32 bits a pixel, depth 24, little-endian, true colour, 255 of each.
  init.set([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0], 4);
  init.writeUInt32BE(Buffer.byteLength(name), 20);
  return Buffer.concat([init, Buffer.from(name)]);
}

function framebufferUpdate({ width, height, pixel }: Screen, shifts: readonly number[]): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt16BE(1, 2);
  header.writeUInt16BE(width, 8);
  header.writeUInt16BE(height, 10);
  const pixels = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = pixel(x, y).reduce((sum, part, i) => sum + part * 2 ** (shifts[i] ?? 0), 0);
      pixels.writeUInt32LE(value, (y * width + x) * 4);
    }
  }
  return Buffer.concat([header, pixels]);
}

function reader(socket: Socket): (size: number) => Promise<Buffer> {
  return async (size) => {
    if (size === 0) return Buffer.alloc(0);
    for (;;) {
      const chunk = socket.read(size) as Buffer | null;
      if (chunk?.length === size) return chunk;
      if (chunk || socket.readableEnded || socket.destroyed) throw new Error('the client left');
      await new Promise<void>((resolve) => {
        const wake = () => {
          socket.off('readable', wake).off('close', wake);
          resolve();
        };
        socket.on('readable', wake).on('close', wake);
      });
    }
  };
}
