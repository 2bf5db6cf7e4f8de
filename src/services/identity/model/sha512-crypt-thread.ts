import { timingSafeEqual } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { sha512Crypt } from './sha512-crypt.ts';

/** A thread that verifies one password, says whether it is right, and ends. */
const { password, hashed } = workerData as { password: Uint8Array; hashed: string };
const made = sha512Crypt(password, hashed);
parentPort?.postMessage(
  made?.length === hashed.length && timingSafeEqual(Buffer.from(made), Buffer.from(hashed)),
);
