import { EventEmitter } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Conflict } from '../../../../platform/errors/errors.ts';
import type { GuestSpec, ImageDisk, PowerEvent, PowerState } from '../driver.ts';
import { writeRecord } from '../record-file.ts';
import type { KeptSize } from '../resize-rules.ts';
import type { Emulator } from './accelerator.ts';
import { launchCommand } from './arguments.ts';
import type { GuestFiles } from './files.ts';
import { ended, type GuestProcess, isAlive, kill, lastWords, startDetached } from './process.ts';
import { QmpClient, type QmpEvent, QmpUnreachable } from './qmp.ts';

/** What is kept of a guest in its directory; written before whatever it announces. */
export interface GuestRecord {
  spec: GuestSpec;
  /** What the guest was last brought to. `on` with no process: it ended while nobody looked. */
  power: 'on' | 'off' | 'crashed' | 'suspended';
  /** Present from a resize until it is settled. */
  before?: KeptSize | undefined;
  /** Present while the guest is rescued: what it boots from. */
  rescue?: ImageDisk | undefined;
}

/** One guest: its record, its process and the connection to its monitor. Its owner makes calls take turns. */
export class QemuGuest extends EventEmitter<{ power: [PowerEvent] }> {
  readonly id: string;
  readonly files: GuestFiles;
  record: GuestRecord;
  #process: GuestProcess | undefined;
  #monitor: QmpClient | undefined;
  #paused = false;
  #panicked = false;
  /** Set while something that this driver was asked for changes the guest's power: no event is due. */
  #asked = false;
  #guestShutDown = false;
  #released = false;
  #end: Promise<void> = Promise.resolve();
  readonly #emulator: Emulator;

  constructor(files: GuestFiles, record: GuestRecord, emulator: Emulator) {
    super();
    this.id = record.spec.id;
    this.files = files;
    this.record = record;
    this.#emulator = emulator;
  }

  get powerState(): PowerState {
    if (this.#process) return this.#panicked ? 'crashed' : this.#paused ? 'paused' : 'running';
    if (this.record.power === 'suspended') return 'suspended';
    return this.record.power === 'crashed' ? 'crashed' : 'shutdown';
  }

  get isOn(): boolean {
    return this.#process !== undefined;
  }

  get process(): GuestProcess {
    if (!this.#process) throw new Conflict(`Instance ${this.id} is not powered on.`);
    return this.#process;
  }

  /** What the guest is made of when it boots: its specification, and the disk that it is rescued with. */
  get asBooted(): GuestSpec {
    const { spec, rescue } = this.record;
    return rescue ? { ...spec, disks: [rescue, ...spec.disks] } : spec;
  }

  /** The guest's monitor. @throws Conflict when the guest is off */
  get monitor(): QmpClient {
    if (!this.#process || !this.#monitor) throw new Conflict(`Instance ${this.id} is not powered on.`);
    return this.#monitor;
  }

  async save(change: Partial<GuestRecord> = {}): Promise<void> {
    this.record = { ...this.record, ...change };
    await writeRecord(this.files.record, this.record);
  }

  /** Starts the guest's process. With `incoming` it waits for a memory image, else it boots. */
  async launch(options: { incoming?: boolean } = {}): Promise<void> {
    await this.#end;
    if (this.#process) return;
    const { files } = this;
    for (const stale of [files.monitor, files.vnc, files.serial, files.incoming, files.pid])
      await rm(stale, { force: true });
    await writeFile(files.consoleLog, '', { flag: 'a', mode: 0o600 });
    const before = this.record.power;
    await this.save({ power: 'on' });
    try {
      const command = launchCommand({ spec: this.asBooted, files, emulator: this.#emulator, ...options });
      await this.attach(await startDetached(command, files.directory, files.log));
    } catch (error) {
      if (this.#process) await this.powerOff();
      await this.save({ power: before === 'on' ? 'off' : before });
      const words = await lastWords(files.log);
      throw words ? new Error(`QEMU did not start instance ${this.id}: ${words}`, { cause: error }) : error;
    }
  }

  /**
   * Takes charge of a process that runs the guest, whoever started it; a guest that was never let go is let go.
   * @throws QmpUnreachable when it does not answer
   */
  async attach(process: GuestProcess): Promise<void> {
    this.#process = process;
    this.#paused = false;
    this.#panicked = false;
    this.#guestShutDown = false;
    this.#asked = false;
    const monitor = await this.#connect(process);
    this.#monitor = monitor;
    monitor.on('event', (event) => this.#onEvent(event));
    monitor.once('close', () => {
      if (!this.#released) this.#end = this.#onClose(process);
    });
    const { status } = await monitor.execute<{ status: string }>('query-status');
    if (status === 'prelaunch') await monitor.execute('cont');
    else this.#setStatus(status);
  }

  /** Whether the process waits for a memory image that nobody sends any more. */
  async isWaitingForMemory(): Promise<boolean> {
    return (await this.monitor.execute<{ status: string }>('query-status')).status === 'inmigrate';
  }

  async pause(): Promise<void> {
    await this.#quietly(() => this.monitor.execute('stop'));
    this.#paused = true;
  }

  async unpause(): Promise<void> {
    await this.#quietly(() => this.monitor.execute('cont'));
    this.#paused = false;
  }

  /**
   * Presses the power button until the guest goes down, again every few seconds: a guest that is still booting
   * misses the first.
   * @returns whether it went down before the time was over or `hurry` was called
   */
  async pressPowerButton(seconds: number, hurry: AbortSignal): Promise<boolean> {
    const process = this.#process;
    if (!process) return true;
    this.#asked = true;
    if (this.#paused) await this.unpause();
    this.#asked = true;
    const gone = this.#gone();
    const until = performance.now() + seconds * 1000;
    while (this.#process === process && !hurry.aborted && performance.now() < until) {
      await this.#monitor?.execute('system_powerdown').catch(() => {});
      const pause = Math.min(5_000, until - performance.now());
      await Promise.race([gone, delay(pause, undefined, { signal: hurry, ref: false }).catch(() => {})]);
    }
    this.#asked = this.#process !== process;
    return this.#process !== process;
  }

  /** Cuts the power. */
  async powerOff(power: GuestRecord['power'] = 'off'): Promise<void> {
    this.#asked = true;
    const process = this.#process;
    if (process) {
      // Asked first, so that QEMU flushes what its disks hold back.
      const quit = this.#monitor?.execute('quit', undefined, { deadline: 3_000 }).then(
        () => ended(process, 3_000),
        (error: unknown) => error instanceof QmpUnreachable && ended(process, 1_000),
      );
      if (!(await quit)) await kill(process);
      if (this.#monitor && !this.#monitor.closed) this.#monitor.close();
      await this.#end;
      this.#process = undefined;
    }
    await this.#end;
    if (this.record.power !== power) await this.save({ power });
  }

  /** Ends the process without any ceremony; the record is left as it is, for the whole directory goes next. */
  async kill(): Promise<void> {
    this.#released = true;
    this.#monitor?.close();
    if (this.#process) await kill(this.#process);
    this.#process = undefined;
  }

  /** Lets go of the guest; it runs on. */
  release(): void {
    this.#released = true;
    this.#monitor?.close();
  }

  async #connect(process: GuestProcess): Promise<QmpClient> {
    const until = performance.now() + 15_000;
    for (;;) {
      try {
        return await QmpClient.connect(this.files.monitor, { deadline: 5_000 });
      } catch (error) {
        if (performance.now() > until || !(await isAlive(process))) throw error;
        await delay(50);
      }
    }
  }

  async #quietly(work: () => Promise<unknown>): Promise<void> {
    this.#asked = true;
    try {
      await work();
    } finally {
      this.#asked = false;
    }
  }

  #gone(): Promise<void> {
    const monitor = this.#monitor;
    if (!monitor || monitor.closed) return this.#end;
    return new Promise((resolve) => monitor.once('close', () => void this.#end.then(resolve)));
  }

  #onEvent({ event, data }: QmpEvent): void {
    if (event === 'SHUTDOWN') this.#guestShutDown = data['guest'] === true;
    else if (event === 'RESET' && data['guest'] === true) this.#tell('guest-reset');
    else if (event === 'GUEST_PANICKED') {
      this.#panicked = true;
      this.#tell('guest-panic');
    } else if (event === 'STOP' && !this.#asked) void this.#onStop();
    else if (event === 'RESUME') {
      const was = this.#paused;
      this.#paused = false;
      if (was && !this.#asked) this.#tell('resumed');
    }
  }

  /** Stopped by itself: a full disk under it, or an error of the virtualization. */
  async #onStop(): Promise<void> {
    const status = await this.#monitor?.execute<{ status: string }>('query-status').catch(() => undefined);
    if (!status || !this.#process) return;
    this.#setStatus(status.status);
    if (this.#panicked) this.#tell('crashed');
    else if (this.#paused) this.#tell('paused');
  }

  #setStatus(status: string): void {
    this.#panicked = ['internal-error', 'guest-panicked'].includes(status);
    this.#paused = ['paused', 'io-error', 'suspended', 'watchdog'].includes(status);
  }

  /** The monitor is gone: either the process is too, or only the connection broke. */
  async #onClose(process: GuestProcess): Promise<void> {
    // QEMU closes its monitor a little before it is gone, and shutting disks down may take a while.
    while (!(await ended(process, 5_000))) {
      if (this.#released) return;
      try {
        await this.attach(process);
        return;
      } catch {
        if (this.#asked) return;
      }
    }
    const asked = this.#asked;
    this.#process = undefined;
    this.#monitor = undefined;
    this.#paused = false;
    if (asked || this.#released) return;
    const crashed = !this.#guestShutDown;
    await this.save({ power: crashed ? 'crashed' : 'off' }).catch(() => {});
    this.#tell(crashed ? 'crashed' : 'guest-shutdown');
  }

  #tell(cause: PowerEvent['cause']): void {
    this.emit('power', { id: this.id, powerState: this.powerState, cause });
  }
}
