import { join } from 'node:path';
import { heartbeat, periodic } from '../../../platform/agent/periodic.ts';
import { sectionOf } from '../../../platform/config/section.ts';
import type { Platform, ServiceDefinition } from '../../../platform/service/service.ts';
import { imageService } from '../../image/contract.ts';
import { networkAgent } from '../../network/contract.ts';
import { computeAgent, computeService } from '../contract.ts';
import type { HypervisorDriver } from '../drivers/driver.ts';
import { BaseImages } from '../drivers/qemu/base-images.ts';
import { SimulatedDriver } from '../drivers/simulated/driver.ts';
import { baseImagePruning, computeSettings } from '../settings.ts';
import { computeAgentHandlers } from './compute-agent.ts';

/** Milliseconds between signs of life: nova's `report_interval`. */
const heartbeatEvery = 10_000;
/** Milliseconds between comparisons of guests with servers: a tenth of nova's `sync_power_state_interval`. */
const reconcileEvery = 60_000;

/** A host that runs guests: it carries out what compute asks, and tells what it has and what happened. */
export const computeAgentService: ServiceDefinition = {
  name: 'compute-agent',
  async start(platform) {
    const { bus, host, log, settings, stateDir, address } = platform;
    const service = bus.client(computeService);
    const driver = await driverFor(platform);
    const section = sectionOf(computeSettings, settings);
    const startedAt = new Date().toISOString();
    const beat = async () => {
      const facts = await driver.probe();
      const { accelerator: _, ...has } = facts;
      const running = (await driver.list()).filter(({ powerState }) => powerState === 'running').length;
      await service.heartbeat({ ...has, host, startedAt, hostIp: address, running });
    };
    let first = true;
    const reconcile = async () => {
      const guests = (await driver.list()).map(({ id, powerState }) => ({ serverId: id, powerState }));
      const { destroy, start } = await service.reconcileGuests({
        host,
        guests,
        // Guests that a restart of the host has ended are started again only where the operator wants it.
        resume: first && section.resume_guests_state_on_host_boot,
      });
      first = false;
      for (const serverId of destroy) await driver.destroy(serverId);
      for (const serverId of start) {
        await handlers.power({ serverId, action: 'start' });
      }
      return { guests: guests.length, destroyed: destroy.length, started: start.length };
    };
    const baseImages = new BaseImages(join(stateDir, 'base'));
    const { every: pruneEvery, ...prunes } = baseImagePruning(section);
    const pruning = periodic(
      'base images',
      pruneEvery,
      async () => baseImages.prune({ ...prunes, inUse: new Set(await driver.basesInUse()) }),
      { onError: (err) => log.warn({ err }, 'base images that nobody uses could not be removed') },
    );
    const handlers = computeAgentHandlers({
      driver,
      image: bus.client(imageService),
      networkAgent: bus.client(networkAgent, { host }),
      baseImages,
      scratch: join(stateDir, 'scratch'),
    });
    const listener = await bus.serve(computeAgent, handlers, { host });
    const life = heartbeat({
      every: heartbeatEvery,
      beat,
      onError: (err) => log.warn({ err }, 'compute does not hear this host'),
    });
    const mending = periodic('guests', reconcileEvery, reconcile, {
      onError: (err) => log.warn({ err }, 'guests could not be compared with servers'),
    });
    const unsubscribe = driver.onPower((event) => {
      // Whatever is lost here is found by the next comparison.
      service
        .powerChanged({ host, ...event })
        .catch((err: unknown) => log.warn({ err, server: event.id }, 'a change of power could not be told'));
    });
    platform.offer('status', async () => ({
      heartbeat: life.report(),
      guests: mending.report(),
      baseImages: pruning.report(),
    }));
    // Known before anybody asks for a server; where compute is not there yet, it hears of this host soon.
    await beat().catch((err: unknown) => log.warn({ err }, 'compute does not hear this host yet'));
    life.start();
    mending.start();
    if (pruneEvery > 0) pruning.start();
    return {
      async close() {
        unsubscribe();
        await listener.close();
        await life.close();
        await mending.close();
        await pruning.close();
        await driver.close();
      },
    };
  },
  async destroy({ settings, stateDir }) {
    if (settings.hypervisor !== 'qemu') return;
    const { QemuDriver } = await import('../drivers/qemu/driver.ts');
    const driver = await QemuDriver.open({ directory: guestDirectory(stateDir) });
    try {
      for (const { id } of await driver.list()) await driver.destroy(id);
    } finally {
      await driver.close();
    }
  },
};

const guestDirectory = (stateDir: string): string => join(stateDir, 'guests');

async function driverFor({ settings, stateDir, log }: Platform): Promise<HypervisorDriver> {
  const directory = guestDirectory(stateDir);
  if (settings.hypervisor === 'simulated') return SimulatedDriver.open({ directory });
  // Loaded only where it is used: a simulated cloud runs on machines that have no QEMU.
  const { QemuDriver } = await import('../drivers/qemu/driver.ts');
  return QemuDriver.open({ directory, warn: (message, err) => log.warn({ err }, message) });
}
