import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BadRequest, Conflict, NotFound } from '../../../../platform/errors/errors.ts';
import type {
  BlockDisk,
  GuestSize,
  GuestSpec,
  GuestState,
  HypervisorDriver,
  ImageDisk,
  NicSpec,
  PowerEvent,
} from '../driver.ts';
import { readRecord } from '../record-file.ts';
import { resized } from '../resize-rules.ts';
import { Turns } from '../turns.ts';
import { type Emulator, emulatorCache, probeEmulator } from './accelerator.ts';
import { readConsoleLog, trimConsoleLog } from './console-log.ts';
import { readDiagnostics } from './diagnostics.ts';
import { makeDisks } from './disks.ts';
import { exportDisk } from './export-disk.ts';
import { assertUsablePath, guestFiles, isGuestId } from './files.ts';
import { type GuestRecord, QemuGuest } from './guest.ts';
import { hostFacts } from './host-facts.ts';
import { plugDisk, plugNic, unplugDisk, unplugNic } from './hot-plug.ts';
import { restoreMemory, saveMemory } from './memory-image.ts';
import { findGuestProcesses, kill } from './process.ts';
import { rescueGuest, unrescueGuest } from './rescue.ts';
import { resizeGuest, settle } from './resize.ts';
import { readScreen } from './screen.ts';
import { assertDisk, assertNic, assertSpec } from './spec-rules.ts';

export interface QemuDriverOptions {
  /** Where guests lie, one directory each; made, and readable by its owner only. */
  directory: string;
  /** Told of what went wrong where nobody waits for an answer. */
  warn?: (message: string, error: unknown) => void;
}

/** How often console logs are looked at for their size. */
const trimInterval = 30_000;
const defaultGrace = 60;
/** A directory that is on its way out. */
const trash = '.trash-';

/**
 * Guests as QEMU processes of their own, spoken to over QMP. They outlive the driver; the next one opened on the
 * same directory finds them again by their command lines.
 */
export class QemuDriver implements HypervisorDriver {
  readonly type = 'QEMU';
  readonly #directory: string;
  readonly #emulator: Emulator;
  readonly #warn: NonNullable<QemuDriverOptions['warn']>;
  readonly #guests = new Map<string, QemuGuest>();
  readonly #listeners = new Set<(event: PowerEvent) => void>();
  readonly #turns = new Turns();
  readonly #trimming: NodeJS.Timeout;

  /**
   * Probes the host, then takes charge of the guests that are there, running or not.
   * @throws Error where QEMU is missing, or the directory's path is too long
   */
  static async open(options: QemuDriverOptions): Promise<QemuDriver> {
    const directory = resolve(options.directory);
    assertUsablePath(directory);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const driver = new QemuDriver(directory, await probeEmulator(emulatorCache(directory)), options.warn);
    await driver.#findGuests();
    return driver;
  }

  private constructor(directory: string, emulator: Emulator, warn: QemuDriverOptions['warn']) {
    this.#directory = directory;
    this.#emulator = emulator;
    this.#warn = warn ?? (() => {});
    this.#trimming = setInterval(() => void this.#trimLogs(), trimInterval).unref();
  }

  probe() {
    return hostFacts(this.#emulator, this.#directory);
  }

  async list(): Promise<GuestState[]> {
    return [...this.#guests.values()].map(stateOf);
  }

  async basesInUse(): Promise<string[]> {
    return [...this.#guests.values()].flatMap(({ asBooted }) =>
      asBooted.disks.flatMap((disk) => (disk.kind === 'image' ? [disk.base.path] : [])),
    );
  }

  async show(id: string): Promise<GuestState> {
    return stateOf(this.#guest(id));
  }

  async create(spec: GuestSpec): Promise<void> {
    assertSpec(spec);
    return this.#turns.take(spec.id, async () => {
      let guest = this.#guests.get(spec.id);
      if (guest?.isOn) return;
      const files = guestFiles(this.#directory, spec.id);
      await mkdir(files.directory, { recursive: true, mode: 0o700 });
      guest ??= this.#add(new QemuGuest(files, { spec, power: 'off' }, this.#emulator));
      await guest.save({ spec, power: 'off' });
      await makeDisks(spec, files);
      await guest.launch();
    });
  }

  start(id: string): Promise<void> {
    return this.#turn(id, async (guest) => {
      if (guest.isOn) return;
      await rm(guest.files.memory, { force: true });
      await guest.launch();
    });
  }

  stop(id: string, { gracefulSeconds }: { gracefulSeconds: number }): Promise<void> {
    return this.#turn(id, (guest, hurry) => powerDown(guest, gracefulSeconds, hurry), {
      hurry: gracefulSeconds === 0,
    });
  }

  reboot(id: string, kind: 'soft' | 'hard', options: { gracefulSeconds?: number } = {}): Promise<void> {
    const grace = kind === 'soft' ? (options.gracefulSeconds ?? defaultGrace) : 0;
    return this.#turn(
      id,
      async (guest, hurry) => {
        await powerDown(guest, grace, hurry);
        await rm(guest.files.memory, { force: true });
        await guest.launch();
      },
      { hurry: kind === 'hard' },
    );
  }

  pause(id: string): Promise<void> {
    return this.#turn(id, (guest) => guest.pause());
  }

  unpause(id: string): Promise<void> {
    return this.#turn(id, (guest) => guest.unpause());
  }

  suspend(id: string): Promise<void> {
    return this.#turn(id, async (guest) => {
      if (guest.powerState !== 'suspended') await saveMemory(guest);
    });
  }

  resume(id: string): Promise<void> {
    return this.#turn(id, async (guest) => {
      if (guest.isOn) return;
      if (guest.powerState !== 'suspended') throw new Conflict(`Instance ${id} is not suspended.`);
      await restoreMemory(guest);
    });
  }

  resize(id: string, size: GuestSize & { resizeId: string }): Promise<void> {
    return this.#turn(id, async (guest) => {
      assertSpec(resized(guest.record.spec, size));
      await resizeGuest(guest, size);
    });
  }

  settleResize(id: string, how: 'confirm' | 'revert'): Promise<void> {
    return this.#turn(id, (guest) => settle(guest, how));
  }

  async rescue(id: string, disk: ImageDisk): Promise<void> {
    assertDisk(disk);
    return this.#turn(id, (guest) => rescueGuest(guest, disk));
  }

  unrescue(id: string): Promise<void> {
    return this.#turn(id, unrescueGuest);
  }

  destroy(id: string): Promise<void> {
    if (!isGuestId(id)) return Promise.resolve();
    return this.#turns.take(
      id,
      async () => {
        const { directory } = guestFiles(this.#directory, id);
        await this.#guests.get(id)?.kill();
        this.#guests.delete(id);
        if (!(await lstat(directory).catch(() => undefined))) return;
        // Renamed first: a guest that is half removed must not be taken for one.
        const doomed = join(this.#directory, `${trash}${id}`);
        await rm(doomed, { recursive: true, force: true });
        await rename(directory, doomed);
        await rm(doomed, { recursive: true, force: true });
      },
      { hurry: true },
    );
  }

  async consoleLog(id: string, options: { lines?: number } = {}): Promise<string> {
    return readConsoleLog(this.#guest(id).files, options.lines);
  }

  async consoleSocket(id: string, kind: 'vnc' | 'serial'): Promise<string> {
    const guest = this.#guest(id);
    if (!guest.isOn) throw new Conflict(`Instance ${id} is not powered on.`);
    return guest.files[kind];
  }

  screendump(id: string) {
    return this.#turn(id, readScreen);
  }

  exportDisk(id: string, diskId: string, path: string): Promise<void> {
    return this.#turn(id, (guest) => exportDisk(guest, diskId, path));
  }

  async diagnostics(id: string) {
    return readDiagnostics(this.#guest(id));
  }

  async attachDisk(id: string, disk: BlockDisk): Promise<void> {
    assertDisk(disk);
    return this.#turn(id, async (guest) => {
      if (guest.isOn) await plugDisk(guest, disk);
      const others = guest.record.spec.disks.filter((one) => one.id !== disk.id);
      await guest.save({ spec: { ...guest.record.spec, disks: [...others, disk] } });
    });
  }

  detachDisk(id: string, diskId: string): Promise<void> {
    return this.#turn(id, async (guest) => {
      const disk = guest.record.spec.disks.find((one) => one.id === diskId);
      if (disk && disk.kind !== 'block')
        throw new BadRequest(`Disk ${diskId} belongs to the instance itself.`);
      if (guest.isOn) await unplugDisk(guest, diskId);
      const disks = guest.record.spec.disks.filter((one) => one.id !== diskId);
      await guest.save({ spec: { ...guest.record.spec, disks } });
    });
  }

  async attachNic(id: string, nic: NicSpec): Promise<void> {
    assertNic(nic);
    return this.#turn(id, async (guest) => {
      if (guest.isOn) await plugNic(guest, nic);
      const others = guest.record.spec.nics.filter((one) => one.portId !== nic.portId);
      await guest.save({ spec: { ...guest.record.spec, nics: [...others, nic] } });
    });
  }

  detachNic(id: string, portId: string): Promise<void> {
    return this.#turn(id, async (guest) => {
      if (guest.isOn) await unplugNic(guest, portId);
      const nics = guest.record.spec.nics.filter((one) => one.portId !== portId);
      await guest.save({ spec: { ...guest.record.spec, nics } });
    });
  }

  onPower(listener: (event: PowerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    clearInterval(this.#trimming);
    this.#listeners.clear();
    for (const guest of this.#guests.values()) guest.release();
    await this.#turns.settle();
  }

  async #findGuests(): Promise<void> {
    const processes = await findGuestProcesses(this.#directory);
    for (const name of await readdir(this.#directory)) {
      if (name.startsWith(trash)) await rm(join(this.#directory, name), { recursive: true, force: true });
      if (!isGuestId(name)) continue;
      const files = guestFiles(this.#directory, name);
      const record = await readRecord<GuestRecord>(files.record);
      // Without a record nothing was started yet: whoever asked for it will ask again.
      if (record?.spec.id !== name) await rm(files.directory, { recursive: true, force: true });
      else this.#add(new QemuGuest(files, record, this.#emulator));
    }
    for (const [id, process] of processes) {
      const guest = this.#guests.get(id);
      if (!guest) await kill(process);
      else
        await guest
          .attach(process)
          .then(() => this.#mend(guest))
          .catch((error: unknown) => this.#warn(`instance ${id} runs, but does not answer`, error));
    }
    for (const guest of this.#guests.values())
      if (!guest.isOn && guest.record.power === 'on') await guest.save({ power: 'off' });
  }

  /** Ends what a suspend or a resume left that was cut off. */
  async #mend(guest: QemuGuest): Promise<void> {
    if (guest.record.power === 'suspended' || (await guest.isWaitingForMemory()))
      await guest.powerOff('suspended');
    else if (guest.record.power !== 'on') await guest.save({ power: 'on' });
  }

  #add(guest: QemuGuest): QemuGuest {
    this.#guests.set(guest.id, guest);
    guest.on('power', (event) => {
      for (const listener of this.#listeners) listener(event);
    });
    return guest;
  }

  #guest(id: string): QemuGuest {
    const guest = this.#guests.get(id);
    if (!guest) throw new NotFound('instance', id);
    return guest;
  }

  #turn<T>(
    id: string,
    work: (guest: QemuGuest, hurry: AbortSignal) => Promise<T>,
    options: { hurry?: boolean } = {},
  ): Promise<T> {
    return this.#turns.take(id, async (hurry) => work(this.#guest(id), hurry), options);
  }

  async #trimLogs(): Promise<void> {
    for (const guest of this.#guests.values())
      if (guest.isOn)
        await trimConsoleLog(guest.files).catch((error: unknown) =>
          this.#warn(`the console log of instance ${guest.id} could not be cut`, error),
        );
  }
}

const stateOf = ({ id, powerState, record }: QemuGuest): GuestState => ({
  id,
  powerState,
  spec: record.spec,
  ...(record.rescue ? { rescue: record.rescue } : {}),
});

async function powerDown(guest: QemuGuest, gracefulSeconds: number, hurry: AbortSignal): Promise<void> {
  if (gracefulSeconds > 0) await guest.pressPowerButton(gracefulSeconds, hurry);
  await guest.powerOff();
}
