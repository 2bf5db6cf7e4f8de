import { createHash, type Hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import type { HashAnswer, HashRequest } from './hashes.ts';

/** A thread that hashes: many streams at once, each known by a number. */
const hashes = new Map<number, Hash>();
const port = parentPort;
if (!port) throw new Error('this file is the code of a thread');

port.on('message', (request: HashRequest) => {
  const { stream } = request;
  const reply = (answer: HashAnswer) => port.postMessage(answer);
  switch (request.what) {
    case 'begin':
      hashes.set(stream, createHash(request.algorithm));
      return;
    case 'update':
      hashes.get(stream)?.update(new Uint8Array(request.block, 0, request.length));
      reply({ what: 'updated', stream });
      return;
    case 'end':
      reply({ what: 'digest', stream, hex: hashes.get(stream)?.digest('hex') ?? '' });
      hashes.delete(stream);
      return;
    default:
      hashes.delete(stream);
  }
});
