import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
} from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { chmod, link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isES256Key } from '../model/jws.ts';

/** The key that signs, and all those whose signatures are believed. */
export interface JwsKeyRing {
  privateKey: KeyObject;
  publicKeys: readonly KeyObject[];
}

const settleMillis = 50;

/**
 * Key pairs for signed tokens, laid out as keystone's: `private/private.pem` signs, every key in `public/` verifies.
 * Hosts that only validate need `public/` alone on keystone; here every process that shares the folder signs.
 */
export class JwsKeys {
  readonly #directory: string;
  readonly #onError: (error: unknown) => void;
  readonly #listeners = new Set<() => void>();
  #keys: JwsKeyRing;
  #watchers: FSWatcher[] = [];
  #timer: NodeJS.Timeout | undefined;

  private constructor(directory: string, onError: (error: unknown) => void, keys: JwsKeyRing) {
    this.#directory = directory;
    this.#onError = onError;
    this.#keys = keys;
  }

  /**
   * Opens the folder, making it (0700) with a first pair where there is none, and watches it until `close`.
   * @throws RangeError for a key that is not one of P-256, or a private key whose public one is not there
   */
  static async open(options: { directory: string; onError?: (error: unknown) => void }): Promise<JwsKeys> {
    const { directory, onError = () => {} } = options;
    for (const name of ['private', 'public']) {
      const folder = join(directory, name);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await chmod(folder, 0o700);
    }
    if (!(await readdir(join(directory, 'private'))).includes('private.pem')) await addPair(directory, link);
    const keys = new JwsKeys(directory, onError, await load(directory));
    for (const name of ['private', 'public']) keys.#watch(join(directory, name));
    await keys.reload();
    return keys;
  }

  /** The keys as they stand now; a rotation replaces them. */
  get current(): JwsKeyRing {
    return this.#keys;
  }

  onReload(listener: () => void): void {
    this.#listeners.add(listener);
  }

  async reload(): Promise<void> {
    this.#keys = await load(this.#directory);
    for (const listener of this.#listeners) listener();
  }

  /**
   * Signs with a new pair from now on. Older public keys stay, so that tokens stay good; take their files away when
   * these have ended.
   */
  async rotate(): Promise<void> {
    await addPair(this.#directory, rename);
    await this.reload();
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const each of this.#watchers) each.close();
    this.#watchers = [];
  }

  #watch(folder: string): void {
    const watcher = watch(folder, { persistent: false }, () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.reload().catch(this.#onError), settleMillis).unref();
    });
    watcher.on('error', this.#onError);
    this.#watchers.push(watcher);
  }
}

/** A new pair for ES256, as PEM: PKCS #8 and SubjectPublicKeyInfo. */
export const newJwsPair = (): { privateKey: string; publicKey: string } =>
  generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });

/**
 * The public key is there before anything is signed with the private one. `link` fails where there is a key already,
 * so of two processes that begin at once one gives the key; `rename` replaces it.
 */
async function addPair(directory: string, put: typeof link): Promise<void> {
  const { privateKey, publicKey } = newJwsPair();
  const name = randomUUID();
  await write(join(directory, 'public', `${name}.pem`), publicKey);
  const temporary = join(directory, 'private', `${name}.tmp`);
  await write(temporary, privateKey);
  try {
    await put(temporary, join(directory, 'private', 'private.pem'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await rm(join(directory, 'public', `${name}.pem`), { force: true });
  } finally {
    await rm(temporary, { force: true });
  }
}

async function write(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function load(directory: string): Promise<JwsKeyRing> {
  const read = (...path: string[]) => readFile(join(directory, ...path), 'utf8');
  const privateKey = es256('private.pem', createPrivateKey(await read('private', 'private.pem')));
  const names = (await readdir(join(directory, 'public'))).filter((name) => name.endsWith('.pem'));
  const publicKeys = await Promise.all(
    names.map(async (name) => es256(name, createPublicKey(await read('public', name)))),
  );
  const own = createPublicKey(privateKey);
  if (!publicKeys.some((key) => key.equals(own)))
    throw new RangeError('jws-keys/public lacks the key of jws-keys/private/private.pem');
  // The newest signs most of what is asked about.
  publicKeys.sort((a, b) => Number(b.equals(own)) - Number(a.equals(own)));
  return { privateKey, publicKeys };
}

function es256(name: string, key: KeyObject): KeyObject {
  if (!isES256Key(key)) throw new RangeError(`${name} is not a key of the curve P-256`);
  return key;
}
