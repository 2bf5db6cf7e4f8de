import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BadRequest, Conflict, NotFound, NotImplemented } from '../../../../platform/errors/errors.ts';
import { lastLines } from '../console-text.ts';
import {
  type BlockDisk,
  consoleLogLimit,
  type DiskSpec,
  type GuestDiagnostics,
  type GuestSize,
  type GuestSpec,
  type GuestState,
  type HostFacts,
  type HypervisorDriver,
  type ImageDisk,
  type NicSpec,
  type PowerEvent,
  type PowerState,
} from '../driver.ts';
import { readRecord, writeRecord } from '../record-file.ts';
import { asBefore, assertGrows, type KeptSize, resized, sizeOf } from '../resize-rules.ts';
import { Turns } from '../turns.ts';
import { emptyQcow2 } from './empty-qcow2.ts';

/** The operations that can be slowed down or made to fail. */
export type Operation =
  | 'create'
  | 'start'
  | 'stop'
  | 'reboot'
  | 'pause'
  | 'unpause'
  | 'suspend'
  | 'resume'
  | 'destroy'
  | 'attachDisk'
  | 'detachDisk'
  | 'attachNic'
  | 'detachNic'
  | 'resize'
  | 'settleResize'
  | 'rescue'
  | 'unrescue';

export interface SimulatedDriverOptions {
  /** Where guests' records lie, so that they survive a restart. Without it they live in memory alone. */
  directory?: string;
  /** What the host seems to have; the rest is 64 CPUs, 256 GiB of memory, 4 TiB of disk. */
  facts?: Partial<HostFacts>;
  /** Milliseconds that operations take. Default: none. */
  delays?: Partial<Record<Operation, number>>;
  /** Called before an operation changes anything; what it throws is what the operation throws. */
  fail?: (operation: Operation, guestId: string) => void;
}

interface SimulatedGuest {
  spec: GuestSpec;
  powerState: PowerState;
  /** Present from a resize until it is settled. */
  before?: KeptSize;
  /** Present while the guest is rescued. */
  rescue?: ImageDisk;
  console: string;
  /** ISO time of the last boot. */
  startedAt: string;
}

/**
 * Guests that are records and nothing else: for trying the APIs, and clouds of a thousand hosts, where no guest has
 * to run. They change state at once, and a file for each keeps them over a restart.
 */
export class SimulatedDriver implements HypervisorDriver {
  readonly type = 'simulated';
  readonly #options: SimulatedDriverOptions;
  readonly #directory: string | undefined;
  readonly #guests = new Map<string, SimulatedGuest>();
  readonly #listeners = new Set<(event: PowerEvent) => void>();
  readonly #turns = new Turns();

  static async open(options: SimulatedDriverOptions = {}): Promise<SimulatedDriver> {
    const driver = new SimulatedDriver(options);
    await driver.#load();
    return driver;
  }

  private constructor(options: SimulatedDriverOptions) {
    this.#options = options;
    this.#directory = options.directory === undefined ? undefined : resolve(options.directory);
  }

  async probe(): Promise<HostFacts> {
    return {
      hypervisorType: 'simulated',
      hypervisorVersion: 1_000_000,
      accelerator: { kind: 'none', reason: 'guests are simulated' },
      cpus: 64,
      memoryMib: 256 * 1024,
      diskGib: 4096,
      freeDiskGib: 4096,
      cpu: {
        arch: 'x86_64',
        vendor: 'Cumulet',
        model: 'simulated',
        topology: { sockets: 2, cores: 32, threads: 1 },
        features: [],
      },
      traits: ['COMPUTE_NET_ATTACH_INTERFACE', 'COMPUTE_NODE', 'COMPUTE_VOLUME_ATTACH'],
      ...this.#options.facts,
    };
  }

  async list(): Promise<GuestState[]> {
    return [...this.#guests.values()].map(stateOf);
  }

  /** Simulated disks stand on nothing. */
  async basesInUse(): Promise<string[]> {
    return [];
  }

  async show(id: string): Promise<GuestState> {
    return stateOf(this.#guest(id));
  }

  create(spec: GuestSpec): Promise<void> {
    return this.#turns.take(spec.id, async () => {
      if (this.#guests.get(spec.id)?.powerState === 'running') return;
      await this.#delayOrFail('create', spec.id);
      const earlier = this.#guests.get(spec.id);
      const guest: SimulatedGuest = {
        spec: structuredClone(spec),
        powerState: 'shutdown',
        console: earlier?.console ?? '',
        startedAt: '',
      };
      this.#guests.set(spec.id, guest);
      boot(guest);
      await this.#save(guest);
    });
  }

  start(id: string): Promise<void> {
    return this.#change('start', id, (guest) => {
      if (!isOn(guest)) boot(guest);
    });
  }

  stop(id: string, _options: { gracefulSeconds: number }): Promise<void> {
    return this.#change('stop', id, (guest) => {
      guest.powerState = 'shutdown';
    });
  }

  reboot(id: string, _kind: 'soft' | 'hard', _options: { gracefulSeconds?: number } = {}): Promise<void> {
    return this.#change('reboot', id, boot);
  }

  pause(id: string): Promise<void> {
    return this.#change('pause', id, (guest) => {
      assertOn(guest);
      guest.powerState = 'paused';
    });
  }

  unpause(id: string): Promise<void> {
    return this.#change('unpause', id, (guest) => {
      assertOn(guest);
      guest.powerState = 'running';
    });
  }

  suspend(id: string): Promise<void> {
    return this.#change('suspend', id, (guest) => {
      if (guest.powerState === 'suspended') return;
      assertOn(guest);
      guest.powerState = 'suspended';
    });
  }

  resume(id: string): Promise<void> {
    return this.#change('resume', id, (guest) => {
      if (isOn(guest)) return;
      if (guest.powerState !== 'suspended') throw new Conflict(`Instance ${id} is not suspended.`);
      guest.powerState = 'running';
    });
  }

  resize(id: string, { resizeId, ...size }: GuestSize & { resizeId: string }): Promise<void> {
    return this.#change('resize', id, (guest) => {
      if (guest.before?.resizeId === resizeId) return;
      assertOff(guest);
      assertGrows(guest.spec, size);
      guest.before = { ...sizeOf(guest.spec), resizeId };
      guest.spec = resized(guest.spec, size);
    });
  }

  settleResize(id: string, how: 'confirm' | 'revert'): Promise<void> {
    return this.#change('settleResize', id, (guest) => {
      if (!guest.before) return;
      if (how === 'revert') {
        assertOff(guest);
        guest.spec = asBefore(guest.spec, guest.before);
      }
      delete guest.before;
    });
  }

  rescue(id: string, disk: ImageDisk): Promise<void> {
    return this.#change('rescue', id, (guest) => {
      assertOff(guest);
      guest.rescue = structuredClone(disk);
    });
  }

  unrescue(id: string): Promise<void> {
    return this.#change('unrescue', id, (guest) => {
      if (!guest.rescue) return;
      assertOff(guest);
      delete guest.rescue;
    });
  }

  destroy(id: string): Promise<void> {
    return this.#turns.take(id, async () => {
      if (!this.#guests.has(id)) return;
      await this.#delayOrFail('destroy', id);
      this.#guests.delete(id);
      if (this.#directory) await rm(this.#file(id), { force: true });
    });
  }

  async consoleLog(id: string, options: { lines?: number } = {}): Promise<string> {
    return lastLines(this.#guest(id).console, options.lines);
  }

  async consoleSocket(id: string, _kind: 'vnc' | 'serial'): Promise<string> {
    assertOn(this.#guest(id));
    throw new NotImplemented('A simulated instance has no console.');
  }

  async screendump(id: string): Promise<never> {
    assertOn(this.#guest(id));
    throw new NotImplemented('A simulated instance has no screen.');
  }

  async exportDisk(id: string, diskId: string, path: string): Promise<void> {
    const disk = this.#guest(id).spec.disks.find((one) => one.id === diskId);
    if (!disk || disk.kind === 'block') throw new NotFound('disk', diskId);
    await writeFile(path, emptyQcow2(Math.max(1, disk.sizeGib) * 2 ** 30), { mode: 0o600 });
  }

  async diagnostics(id: string): Promise<GuestDiagnostics> {
    const guest = this.#guest(id);
    assertOn(guest);
    return {
      powerState: guest.powerState,
      uptimeSeconds: Math.floor((Date.now() - Date.parse(guest.startedAt)) / 1000),
      memoryMib: guest.spec.memoryMib,
      residentMib: 0,
      cpus: Array.from({ length: guest.spec.vcpus }, (_, cpu) => ({ id: cpu, timeNanoseconds: 0 })),
      disks: disksOf(guest).map((disk) => ({
        id: disk.id,
        readBytes: 0,
        readRequests: 0,
        writeBytes: 0,
        writeRequests: 0,
      })),
      nics: guest.spec.nics.map(({ mac }) => ({ mac, rxBytes: 0, rxPackets: 0, txBytes: 0, txPackets: 0 })),
    };
  }

  attachDisk(id: string, disk: BlockDisk): Promise<void> {
    return this.#change('attachDisk', id, ({ spec }) => {
      spec.disks = [...spec.disks.filter((one) => one.id !== disk.id), structuredClone(disk)];
    });
  }

  detachDisk(id: string, diskId: string): Promise<void> {
    return this.#change('detachDisk', id, ({ spec }) => {
      const disk = spec.disks.find((one) => one.id === diskId);
      if (disk && disk.kind !== 'block')
        throw new BadRequest(`Disk ${diskId} belongs to the instance itself.`);
      spec.disks = spec.disks.filter((one) => one.id !== diskId);
    });
  }

  attachNic(id: string, nic: NicSpec): Promise<void> {
    return this.#change('attachNic', id, ({ spec }) => {
      spec.nics = [...spec.nics.filter((one) => one.portId !== nic.portId), { ...nic }];
    });
  }

  detachNic(id: string, portId: string): Promise<void> {
    return this.#change('detachNic', id, ({ spec }) => {
      spec.nics = spec.nics.filter((one) => one.portId !== portId);
    });
  }

  /** Does to a guest what real ones do by themselves. */
  async happen(id: string, cause: 'guest-shutdown' | 'guest-reset' | 'crashed'): Promise<void> {
    await this.#turns.take(id, async () => {
      const guest = this.#guest(id);
      assertOn(guest);
      if (cause === 'guest-reset') boot(guest);
      else guest.powerState = cause === 'crashed' ? 'crashed' : 'shutdown';
      await this.#save(guest);
      for (const listener of this.#listeners) listener({ id, powerState: guest.powerState, cause });
    });
  }

  onPower(listener: (event: PowerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#turns.settle();
  }

  #change(operation: Operation, id: string, change: (guest: SimulatedGuest) => void): Promise<void> {
    return this.#turns.take(id, async () => {
      this.#guest(id);
      await this.#delayOrFail(operation, id);
      const guest = this.#guest(id);
      change(guest);
      await this.#save(guest);
    });
  }

  async #delayOrFail(operation: Operation, id: string): Promise<void> {
    const milliseconds = this.#options.delays?.[operation] ?? 0;
    if (milliseconds > 0) await delay(milliseconds);
    this.#options.fail?.(operation, id);
  }

  #guest(id: string): SimulatedGuest {
    const guest = this.#guests.get(id);
    if (!guest) throw new NotFound('instance', id);
    return guest;
  }

  #file(id: string): string {
    return join(this.#directory ?? '', `${id}.json`);
  }

  async #save(guest: SimulatedGuest): Promise<void> {
    if (this.#directory) await writeRecord(this.#file(guest.spec.id), guest);
  }

  async #load(): Promise<void> {
    if (!this.#directory) return;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#directory)) {
      if (!name.endsWith('.json')) continue;
      const guest = await readRecord<SimulatedGuest>(join(this.#directory, name));
      if (guest) this.#guests.set(guest.spec.id, guest);
    }
  }
}

const isOn = ({ powerState }: SimulatedGuest) => powerState === 'running' || powerState === 'paused';

function assertOn(guest: SimulatedGuest): void {
  if (!isOn(guest)) throw new Conflict(`Instance ${guest.spec.id} is not powered on.`);
}

function assertOff(guest: SimulatedGuest): void {
  if (isOn(guest)) throw new Conflict(`Instance ${guest.spec.id} is powered on.`);
}

/** As the guest sees them: the first one is what boots. */
const disksOf = ({ spec, rescue }: SimulatedGuest): DiskSpec[] =>
  rescue ? [rescue, ...spec.disks] : spec.disks;

function boot(guest: SimulatedGuest): void {
  guest.powerState = 'running';
  guest.startedAt = new Date().toISOString();
  const { id, name, projectId, vcpus, memoryMib, nics, configDrive } = guest.spec;
  const lines = [
    `simulated boot of ${id}`,
    `name: ${name}`,
    `project: ${projectId}`,
    `processors: ${vcpus}`,
    `memory: ${memoryMib} MiB`,
    `disks: ${disksOf(guest)
      .map((disk) => disk.id)
      .join(' ')}`,
    `interfaces: ${nics.map(({ mac }) => mac).join(' ')}`,
    `config drive: ${configDrive === undefined ? 'no' : 'yes'}`,
    `time: ${guest.startedAt}`,
    // The line that the real guest image ends its boot with.
    `cumulet-guest: ready ${name}`,
  ];
  guest.console = `${guest.console}${lines.join('\n')}\n`.slice(-consoleLogLimit);
}

const stateOf = ({ spec, powerState, rescue }: SimulatedGuest): GuestState => ({
  id: spec.id,
  powerState,
  spec: structuredClone(spec),
  ...(rescue ? { rescue: structuredClone(rescue) } : {}),
});
