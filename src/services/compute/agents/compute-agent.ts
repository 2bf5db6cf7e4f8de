import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NotFound } from '../../../platform/errors/errors.ts';
import type { ImageService } from '../../image/contract.ts';
import type { NetworkAgent } from '../../network/contract.ts';
import type { BuildRequest, ComputeAgent } from '../contract.ts';
import type { DiskSpec, GuestSpec, HypervisorDriver, ImageDisk } from '../drivers/driver.ts';
import type { BaseImages } from '../drivers/qemu/base-images.ts';
import { baseImage } from './base-image.ts';
import { configDrive } from './config-drive.ts';
import { hostUptime } from './host-uptime.ts';

export interface ComputeAgentParts {
  driver: HypervisorDriver;
  image: ImageService;
  networkAgent: NetworkAgent;
  baseImages: BaseImages;
  /** For files on their way: config drives, snapshots. */
  scratch: string;
}

/** The disk that a server boots from, and the one that it boots from while it is rescued. */
const rootDisk = 'root';
const rescueDisk = 'rescue';

/** Everything that is asked of a compute host. All of it may be asked twice. */
export function computeAgentHandlers(parts: ComputeAgentParts): ComputeAgent {
  const { driver, image, networkAgent, scratch } = parts;
  const simulated = driver.type === 'simulated';

  /** A disk that is a copy of an image. `sizeGib` 0: as big as the image. */
  async function copyOf(imageId: string, id: string, sizeGib: number): Promise<ImageDisk> {
    const most = sizeGib > 0 ? sizeGib * 2 ** 30 : undefined;
    const base = simulated
      ? { path: '/', format: 'raw' as const }
      : await baseImage(image, parts.baseImages, imageId, most);
    const { path, format } = base;
    return { kind: 'image', id, imageId, sizeGib, base: { path, format } };
  }

  async function disksOf(request: BuildRequest): Promise<DiskSpec[]> {
    const { imageId, rootGib, ephemeralGib, swapMib } = request;
    const disks: DiskSpec[] = [];
    if (imageId === null) disks.push({ kind: 'empty', id: rootDisk, sizeGib: Math.max(1, rootGib) });
    else disks.push(await copyOf(imageId, rootDisk, rootGib));
    if (ephemeralGib > 0) disks.push({ kind: 'empty', id: 'ephemeral0', sizeGib: ephemeralGib });
    if (swapMib > 0) disks.push({ kind: 'empty', id: 'swap', sizeGib: Math.ceil(swapMib / 1024) });
    return disks;
  }

  return {
    async build(request) {
      const { serverId: id, name, projectId, vcpus, memoryMib, nics } = request;
      const disks = await disksOf(request);
      // The taps must be there before the guest opens them.
      if (nics.length > 0) await networkAgent.sync({});
      const { namespace } = nics.length > 0 ? await networkAgent.namespace({}) : { namespace: null };
      // The driver takes a copy.
      const drive = join(scratch, `config-${id}.iso`);
      const withDrive = request.configDrive !== null && !simulated;
      if (request.configDrive && withDrive) {
        await mkdir(scratch, { recursive: true, mode: 0o700 });
        await configDrive(request.configDrive, { path: drive });
      }
      const spec: GuestSpec = {
        id,
        name,
        projectId,
        vcpus,
        memoryMib,
        disks,
        nics,
        ...(namespace === null ? {} : { namespace }),
        ...(withDrive ? { configDrive: drive } : {}),
      };
      try {
        await driver.create(spec);
      } finally {
        await rm(drive, { force: true });
      }
    },
    destroy: ({ serverId }) => driver.destroy(serverId),
    async power({ serverId, action, gracefulSeconds = 60 }) {
      const { spec } = await driver.show(serverId);
      // A host that was restarted has to have the taps again before the guest can open them.
      const opens = ['start', 'soft-reboot', 'hard-reboot', 'resume'].includes(action);
      if (opens && spec.nics.length > 0) await networkAgent.sync({});
      switch (action) {
        case 'start':
          await driver.start(serverId);
          break;
        case 'stop':
          await driver.stop(serverId, { gracefulSeconds });
          break;
        case 'soft-reboot':
          await driver.reboot(serverId, 'soft', { gracefulSeconds });
          break;
        case 'hard-reboot':
          await driver.reboot(serverId, 'hard');
          break;
        default:
          await driver[action](serverId);
      }
      return { powerState: (await driver.show(serverId)).powerState };
    },
    resize: ({ serverId, ...size }) => driver.resize(serverId, size),
    async settleResize({ serverId, how }) {
      await driver.settleResize(serverId, how).catch((error: unknown) => {
        if (!(error instanceof NotFound)) throw error;
      });
    },
    rescue: async ({ serverId, imageId }) => driver.rescue(serverId, await copyOf(imageId, rescueDisk, 0)),
    unrescue: ({ serverId }) => driver.unrescue(serverId),
    consoleLog: async ({ serverId, lines }) => ({
      output: await driver.consoleLog(serverId, lines === undefined ? {} : { lines }),
    }),
    consoleSocket: async ({ serverId, kind }) => ({ path: await driver.consoleSocket(serverId, kind) }),
    diagnostics: async ({ serverId }) => ({ ...(await driver.diagnostics(serverId)) }),
    async attachNic({ serverId, nic }) {
      await networkAgent.sync({});
      await driver.attachNic(serverId, nic);
    },
    detachNic: ({ serverId, portId }) => driver.detachNic(serverId, portId),
    async snapshot({ serverId, imageId }) {
      await mkdir(scratch, { recursive: true, mode: 0o700 });
      const path = join(scratch, `snapshot-${imageId}.qcow2`);
      try {
        await driver.exportDisk(serverId, rootDisk, path);
        await image.store({ id: imageId, path });
      } finally {
        await rm(path, { force: true });
      }
    },
    hostUptime: async () => ({ uptime: hostUptime() }),
    guests: async () => (await driver.list()).map(({ id, powerState }) => ({ serverId: id, powerState })),
  };
}
