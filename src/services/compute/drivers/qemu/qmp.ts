import { EventEmitter } from 'node:events';
import { connect, type Socket } from 'node:net';

/** QEMU refused a command. `errorClass` is QMP's word, e.g. `GenericError`, `DeviceNotFound`. */
export class QmpError extends Error {
  readonly errorClass: string;
  constructor(command: string, errorClass: string, description: string) {
    super(`QEMU refused ${command}: ${description}`);
    this.name = 'QmpError';
    this.errorClass = errorClass;
  }
}

/** QEMU did not answer: the connection broke, or it took longer than the deadline. */
export class QmpUnreachable extends Error {
  override name = 'QmpUnreachable';
}

export interface QmpEvent {
  event: string;
  data: Record<string, unknown>;
}

/** The longest line that QEMU may send; `query-qmp-schema`, which is never asked for, would be a few hundred KiB. */
const lineLimit = 8 << 20;

/**
 * One connection to a guest's QEMU machine protocol (https://www.qemu.org/docs/master/interop/qmp-spec.html).
 * Emits `event` (QmpEvent) and, once, `close`.
 */
export class QmpClient extends EventEmitter<{ event: [QmpEvent]; close: [] }> {
  readonly #socket: Socket;
  readonly #pending = new Map<
    number,
    {
      command: string;
      resolve: (value: unknown) => void;
      reject: (error: Error) => void;
      timer: NodeJS.Timeout;
    }
  >();
  #nextId = 1;
  #closed = false;
  #buffered: Buffer[] = [];
  #bufferedBytes = 0;

  /**
   * Connects and negotiates. QEMU serves one client at a time: while another is connected, this waits.
   * @throws QmpUnreachable
   */
  static async connect(path: string, options: { deadline?: number } = {}): Promise<QmpClient> {
    const { deadline = 10_000 } = options;
    const socket = connect(path);
    const client = new QmpClient(socket);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => finish(new QmpUnreachable(`no greeting after ${deadline} ms`)),
        deadline,
      );
      const finish = (error?: Error) => {
        clearTimeout(timer);
        client.off('close', gone);
        if (error) {
          socket.destroy();
          reject(error);
        } else resolve();
      };
      const gone = () => finish(new QmpUnreachable('the monitor socket closed'));
      client.once('close', gone);
      client.#greeted = () => finish();
    });
    await client.execute('qmp_capabilities');
    return client;
  }

  #greeted: () => void = () => {};

  private constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', () => {});
    socket.on('close', () => this.#end());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * @returns what the command returns, as the QMP reference says
   * @throws QmpError, QmpUnreachable
   */
  execute<T = unknown>(
    command: string,
    args?: Record<string, unknown>,
    options: { deadline?: number } = {},
  ): Promise<T> {
    if (this.#closed)
      return Promise.reject(new QmpUnreachable(`${command}: the monitor connection is closed`));
    const id = this.#nextId++;
    const { deadline = 10_000 } = options;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new QmpUnreachable(`${command}: no answer after ${deadline} ms`));
      }, deadline);
      this.#pending.set(id, { command, resolve: resolve as (value: unknown) => void, reject, timer });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
  }

  /**
   * Waits for an event that matches; call it before the command that causes it.
   * @throws QmpUnreachable at the deadline, when the connection ends, or when `signal` aborts
   */
  waitFor(
    matches: (event: QmpEvent) => boolean,
    options: { deadline: number; signal?: AbortSignal },
  ): Promise<QmpEvent> {
    return new Promise((resolve, reject) => {
      const onEvent = (event: QmpEvent) => {
        if (matches(event)) finish(() => resolve(event));
      };
      const fail = (why: string) => () => finish(() => reject(new QmpUnreachable(why)));
      const onClose = fail('the monitor connection closed');
      const onAbort = fail('waiting was cut short');
      const timer = setTimeout(fail(`no such event after ${options.deadline} ms`), options.deadline);
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.off('event', onEvent);
        this.off('close', onClose);
        options.signal?.removeEventListener('abort', onAbort);
        settle();
      };
      this.on('event', onEvent);
      this.once('close', onClose);
      options.signal?.addEventListener('abort', onAbort);
    });
  }

  close(): void {
    this.#socket.destroy();
    this.#end();
  }

  #receive(bytes: Buffer): void {
    let from = 0;
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
      const line = Buffer.concat([...this.#buffered, bytes.subarray(from, at)]).toString();
      this.#buffered = [];
      this.#bufferedBytes = 0;
      from = at + 1;
      if (line.trim() !== '') this.#message(line);
    }
    if (from < bytes.length) {
      this.#buffered.push(bytes.subarray(from));
      this.#bufferedBytes += bytes.length - from;
      if (this.#bufferedBytes > lineLimit) this.#socket.destroy();
    }
  }

  #message(line: string): void {
    let message: {
      QMP?: unknown;
      event?: string;
      data?: Record<string, unknown>;
      id?: number;
      return?: unknown;
      error?: { class: string; desc: string };
    };
    try {
      message = JSON.parse(line) as typeof message;
    } catch {
      this.#socket.destroy();
      return;
    }
    if (message.QMP) this.#greeted();
    else if (message.event) this.emit('event', { event: message.event, data: message.data ?? {} });
    else if (message.id !== undefined) {
      const pending = this.#pending.get(message.id);
      if (!pending) return;
      this.#pending.delete(message.id);
      clearTimeout(pending.timer);
      if (message.error)
        pending.reject(new QmpError(pending.command, message.error.class, message.error.desc));
      else pending.resolve(message.return);
    }
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { command, reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new QmpUnreachable(`${command}: the monitor connection closed`));
    }
    this.#pending.clear();
    this.emit('close');
  }
}
