import { randomUUID } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Fernet, generateFernetKey } from '../model/fernet.ts';

export interface KeyRepositoryOptions {
  directory: string;
  /** keystone's `[fernet_tokens] max_active_keys`; at least 2: the staged key and the primary. */
  maxActiveKeys?: number;
  /** told when keys that changed under us cannot be read; the keys in memory stay in use */
  onError?: (error: unknown) => void;
}

const keyName = /^(0|[1-9][0-9]*)$/;
const settleMillis = 50;

/**
 * A directory of Fernet keys laid out as keystone's: files named by number, `0` the staged key (the next
 * primary), the highest number the primary, the rest kept for reading. Several processes, and a keystone,
 * may share it: a rotation by any of them is noticed by all.
 */
export class KeyRepository {
  readonly #directory: string;
  readonly #maxActiveKeys: number;
  readonly #onError: (error: unknown) => void;
  #fernet: Fernet;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #listeners = new Set<() => void>();

  private constructor(options: Required<KeyRepositoryOptions>, fernet: Fernet) {
    this.#directory = options.directory;
    this.#maxActiveKeys = options.maxActiveKeys;
    this.#onError = options.onError;
    this.#fernet = fernet;
  }

  /**
   * Opens the directory, making it (0700) with a first pair of keys when there is none, and watches it until
   * `close`.
   * @throws RangeError when a key in it is malformed, or max_active_keys is below 2
   */
  static async open(options: KeyRepositoryOptions): Promise<KeyRepository> {
    const { directory, maxActiveKeys = 3, onError = () => {} } = options;
    if (maxActiveKeys < 2) throw new RangeError('max_active_keys must be at least 2');
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (!(await listNumbers(directory)).some((number) => number > 0)) await setUp(directory);
    const repository = new KeyRepository({ directory, maxActiveKeys, onError }, await load(directory));
    repository.#watch();
    // A rotation between the load and the watch would otherwise be missed.
    await repository.reload();
    return repository;
  }

  /** The keys as they stand now. Ask each time rather than keep it: a rotation replaces it. */
  get fernet(): Fernet {
    return this.#fernet;
  }

  /** @returns a function that ends the subscription; called after keys were loaded anew */
  onReload(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async reload(): Promise<void> {
    this.#fernet = await load(this.#directory);
    for (const listener of this.#listeners) listener();
  }

  /**
   * The staged key becomes the primary, a new one is staged, and the oldest beyond `maxActiveKeys` are removed.
   * The staged key is linked to its new name, never moved: killed anywhere, every key is still there, and a
   * second process that rotates at the same time finds the name taken and leaves it at the other's rotation.
   */
  async rotate(): Promise<void> {
    const numbers = await listNumbers(this.#directory);
    const primary = numbers.at(-1) ?? 0;
    const temporary = await writeTemporaryKey(this.#directory);
    try {
      if (numbers.includes(0)) {
        await link(join(this.#directory, '0'), join(this.#directory, String(primary + 1)));
      }
      await rename(temporary, join(this.#directory, '0'));
    } catch (error) {
      await rm(temporary, { force: true });
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    await syncDirectory(this.#directory);
    const kept = (await listNumbers(this.#directory)).filter((number) => number > 0);
    for (const number of kept.slice(0, Math.max(0, kept.length - (this.#maxActiveKeys - 1)))) {
      await rm(join(this.#directory, String(number)), { force: true });
    }
    await this.reload();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #watch(): void {
    this.#watcher = watch(this.#directory, { persistent: false }, () => {
      // A rotation is several renames: read once they have settled.
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.reload().catch(this.#onError), settleMillis).unref();
    });
    this.#watcher.on('error', this.#onError);
  }
}

/**
 * `link` fails when the name exists, so of two processes that begin at once one makes each key, and both then
 * read the same ones. A process killed between the two keys leaves a primary alone, which works.
 */
async function setUp(directory: string): Promise<void> {
  for (const name of ['1', '0']) {
    const temporary = await writeTemporaryKey(directory);
    try {
      await link(temporary, join(directory, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      await rm(temporary, { force: true });
    }
  }
  await syncDirectory(directory);
}

/** @returns the path of a new key, whole on the disk, under a name that nobody reads */
async function writeTemporaryKey(directory: string): Promise<string> {
  const path = join(directory, `${randomUUID()}.tmp`);
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(generateFernetKey());
    await file.sync();
  } finally {
    await file.close();
  }
  return path;
}

/** Without it a rename may be lost with the power, though the files themselves were written. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function listNumbers(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names
    .filter((name) => keyName.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

async function load(directory: string): Promise<Fernet> {
  const keys: string[] = [];
  for (const number of (await listNumbers(directory)).reverse()) {
    // A file may go between the listing and the reading: another process is rotating.
    const text = await readFile(join(directory, String(number)), 'utf8').catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '';
        throw error;
      },
    );
    if (text.trim() !== '') keys.push(text.trim());
  }
  return new Fernet(keys);
}
