import { heartbeat } from '../../../platform/agent/periodic.ts';
import { tagOf } from '../../../platform/service/host.ts';
import type { Platform, ServiceDefinition } from '../../../platform/service/service.ts';
import { networkAgent as networkAgentContract, networkService } from '../contract.ts';
import type { NetworkDriver } from '../drivers/driver.ts';
import { simulatedNetwork } from '../drivers/simulated/simulated.ts';
import { type NetworkSettings, networkSettingsOf } from '../settings.ts';
import { networkAgent } from './network-agent.ts';

/** The agents that a host shows: one process here, four in `network agent list`, as upstream's users know them. */
const agentKinds = [
  { binary: 'neutron-linuxbridge-agent', type: 'Linux bridge agent' },
  { binary: 'neutron-dhcp-agent', type: 'DHCP agent' },
  { binary: 'neutron-l3-agent', type: 'L3 agent' },
  { binary: 'neutron-metadata-agent', type: 'Metadata agent' },
] as const;

/** The network of one host: it makes what the network service wants, and says what is up. */
export const networkAgentService: ServiceDefinition = {
  name: 'network-agent',
  async start(platform) {
    const { address, bus, host, log, settings } = platform;
    const network = bus.client(networkService);
    const options = networkSettingsOf(settings);
    const driver = await driverFor(platform, options);
    const agent = networkAgent({
      driver,
      source: { wanted: () => network.hostState({ host }) },
      report: ({ ports, routers, dhcp }) => network.reportPorts({ host, ...ports, routers, dhcp }),
      onFault: (words) => log.warn({ service: 'network-agent' }, words),
    });
    const startedAt = new Date().toISOString();
    const beat = async () => {
      for (const kind of agentKinds) {
        await network.heartbeat({
          ...kind,
          host,
          startedAt,
          configurations: { driver: settings.networking, tunneling_ip: address },
        });
      }
    };
    // Known before anything is asked of it: ports bind only to hosts with an agent that lives.
    await beat();
    const life = heartbeat({
      every: options.report_interval * 1000,
      beat,
      onError: (err: unknown) => log.warn({ err }, 'the network service does not hear this agent'),
    });
    const listener = await bus.serve(
      networkAgentContract,
      {
        async sync() {
          await agent.sync();
        },
        async wake() {
          agent.wake();
        },
        async namespace() {
          return { namespace: driver.namespace ?? null };
        },
      },
      { host },
    );
    platform.offer('status', async () => agent.status());
    agent.start();
    life.start();
    return {
      async close() {
        await listener.close();
        await life.close();
        await agent.close();
      },
    };
  },
  async destroy({ cloudDir, settings, tag }) {
    if (settings.networking !== 'linux-bridge') return;
    const { linuxBridge } = await import('../drivers/linux-bridge/linux-bridge.ts');
    await (await linuxBridge({ tag: tag || tagOf(cloudDir), physicalNetworks: {} })).destroyAll();
  },
};

async function driverFor(platform: Platform, options: NetworkSettings): Promise<NetworkDriver> {
  const { settings, tag, bus } = platform;
  if (settings.networking === 'simulated') return simulatedNetwork();
  // Loaded only where it is used: a simulated cloud runs on machines that have none of what it needs.
  const { linuxBridge } = await import('../drivers/linux-bridge/linux-bridge.ts');
  const network = bus.client(networkService);
  return linuxBridge({
    tag,
    // Two clouds of one host must not share a VXLAN port: the kernel keys devices by it.
    underlay: { address: platform.address, port: 4789 + platform.portOffset },
    physicalNetworks: {
      // `public` is between the cloud and its host; `physnet1` is a bridge of its own, for whatever the operator makes of it.
      public: settings.external_address ? { addresses: [settings.external_address] } : {},
      physnet1: {},
      ...Object.fromEntries(
        Object.entries(options.bridge_mappings).map(([name, bridge]) => [name, { bridge }]),
      ),
    },
    ...(settings.metadata_secret
      ? {
          metadata: {
            url: platform.urlOf('metadata'),
            secret: settings.metadata_secret,
            resolve: async (from) => (await network.serverByAddress(from)) ?? undefined,
          },
        }
      : {}),
  });
}
