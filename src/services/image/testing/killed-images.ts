import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Answered } from '../../../platform/service/testing/world.ts';
import type { Order, ToKill, Told } from './image-to-kill.ts';

type Account = 'admin' | 'member';

/** An image service in a process of its own, and what `kill -9` leaves of it. */
export class KilledImages {
  readonly stateDir: string;
  readonly #given: ToKill;
  readonly #programs: string;
  #child: ChildProcess | undefined;
  #url = '';
  #tokens: Record<Account, string> = { admin: '', member: '' };

  private constructor(given: ToKill, programs: string) {
    this.stateDir = join(given.stateDir, 'image');
    this.#given = given;
    this.#programs = programs;
  }

  /** @param programs a folder whose programs it runs rather than the system's */
  static async start(settings: object, identityPort: number, programs = ''): Promise<KilledImages> {
    const stateDir = await mkdtemp(join(tmpdir(), 'cumulet-killed-'));
    const databaseUrl = `sqlite:${join(stateDir, 'image.db')}`;
    const images = new KilledImages({ stateDir, databaseUrl, settings, identityPort }, programs);
    await images.start();
    return images;
  }

  async start(): Promise<void> {
    const { PATH = '' } = process.env;
    const env = { ...process.env, PATH: this.#programs ? `${this.#programs}:${PATH}` : PATH };
    this.#child = fork(new URL('image-to-kill.ts', import.meta.url), [JSON.stringify(this.#given)], { env });
    const told = await this.#told((each) => 'url' in each);
    assert.ok('url' in told);
    this.#url = told.url;
    this.#tokens = told.tokens;
  }

  /** Ends the process wherever it stands; nothing of it runs any more afterwards. */
  async kill(): Promise<void> {
    const child = this.#child as ChildProcess;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    assert.deepEqual(await ended, [null, 'SIGKILL']);
  }

  /** @returns kept once the flow of the image has come to where it is to stop */
  async order(order: Order): Promise<() => Promise<void>> {
    const stopped = order.stop
      ? this.#told((told) => 'stopped' in told && told.stopped === order.imageId)
      : Promise.resolve();
    // It is waited for later: a process that ends before is no failure of nobody's.
    stopped.catch(() => {});
    const ordered = this.#told((told) => 'ordered' in told && told.ordered === order.imageId);
    this.#child?.send(order);
    await ordered;
    return async () => void (await stopped);
  }

  #told(wanted: (told: Told) => boolean): Promise<Told> {
    const child = this.#child as ChildProcess;
    return new Promise((resolve, reject) => {
      const settle = (work: () => void) => {
        child.off('message', hear);
        child.off('exit', end);
        work();
      };
      const hear = (told: unknown) => {
        if (wanted(told as Told)) settle(() => resolve(told as Told));
      };
      const end = () => settle(() => reject(new Error('the image service ended')));
      child.on('message', hear);
      child.on('exit', end);
    });
  }

  async request(
    method: string,
    path: string,
    { as = 'member', body }: { as?: Account; body?: object } = {},
  ): Promise<Answered & { bytes: Buffer }> {
    const response = await fetch(`${this.#url}/v2${path}`, {
      method,
      headers: {
        'x-auth-token': this.#tokens[as],
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const { status, headers } = response;
    const json = /json/.test(headers.get('content-type') ?? '');
    return { status, headers, bytes, body: json ? JSON.parse(String(bytes)) : String(bytes) };
  }

  async create(): Promise<string> {
    const body = { disk_format: 'raw', container_format: 'bare' };
    const made = await this.request('POST', '/images', { body });
    assert.equal(made.status, 201, String(made.bytes));
    return made.body.id;
  }

  put(id: string, bytes: Buffer, to: 'file' | 'stage', store?: string): Promise<number> {
    const upload = this.begin(id, to, store ? { 'x-image-meta-store': store } : {});
    upload.end(bytes);
    return once(upload, 'response').then(([response]) => {
      response.resume();
      return response.statusCode;
    });
  }

  /** An upload whose bytes the test sends itself. */
  begin(id: string, to: 'file' | 'stage', headers: Record<string, string> = {}): ClientRequest {
    return httpRequest(`${this.#url}/v2/images/${id}/${to}`, {
      method: 'PUT',
      headers: {
        'x-auth-token': this.#tokens.member,
        'content-type': 'application/octet-stream',
        ...headers,
      },
    });
  }

  async import(id: string, method: object, more: object = {}): Promise<void> {
    // Copying is an administrator's.
    const asked = await this.request('POST', `/images/${id}/import`, {
      as: 'admin',
      body: { method, ...more },
    });
    assert.equal(asked.status, 202, String(asked.bytes));
  }

  async show(id: string): Promise<Answered['body']> {
    return (await this.request('GET', `/images/${id}`)).body;
  }

  async untilStatus(id: string, status: string): Promise<void> {
    for (let tries = 0; tries < 2000; tries++) {
      if ((await this.show(id)).status === status) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.fail(`image ${id} did not become ${status}`);
  }

  /** The image's newest task once it is over. */
  async over(id: string): Promise<{ status: string; message: string }> {
    for (let tries = 0; tries < 4000; tries++) {
      const { body } = await this.request('GET', `/images/${id}/tasks`, { as: 'admin' });
      const [task] = body.tasks;
      if (task?.status === 'success' || task?.status === 'failure') return task;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return assert.fail('the task was never over');
  }

  /** What a folder of the service has, `.part` files and all. */
  async files(folder: string): Promise<string[]> {
    return (await readdir(join(this.stateDir, folder))).toSorted();
  }

  /** Rows of the service's database, as it is on the disk. */
  rows<Row>(sql: string): Row[] {
    const database = new DatabaseSync(this.#given.databaseUrl.slice('sqlite:'.length), { readOnly: true });
    try {
      return database.prepare(sql).all() as Row[];
    } finally {
      database.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) await this.kill();
    await rm(this.#given.stateDir, { recursive: true, force: true });
  }
}
