import { join } from 'node:path';
import { cachingAuthenticator } from '../platform/auth/authenticator.ts';
import { openBus } from '../platform/bus/bus.ts';
import { databaseUrl } from '../platform/config/cloud-settings.ts';
import { openLog } from '../platform/log/log.ts';
import { measuredBus } from '../platform/metrics/measured-bus.ts';
import { noMetrics, openMetrics } from '../platform/metrics/metrics.ts';
import { serveMetrics } from '../platform/metrics/server.ts';
import { type ServiceHost, serviceHost } from '../platform/service/host.ts';
import { identityAdmin, identityService, tokensRevoked } from '../services/identity/contract.ts';
import { externalNetworkOf } from './external-network.ts';
import { serveOperator } from './operator-socket.ts';
import { sectionsOf } from './service-settings.ts';
import { ports, services } from './services.ts';
import type { CloudSettings } from './settings.ts';
import { accountsOf, privateDirectory, secretsOf, writeClientFiles } from './state-files.ts';

/** A cloud that runs in this process. */
export interface Cloud {
  urls: Record<string, string>;
  /** Stops it; guests and networks live on. */
  close(): Promise<void>;
}

/** Tells how far starting has come. */
export type Step = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/**
 * Starts a whole cloud in this process. What an earlier one left in the state directory is found again.
 *
 * @throws Error that says what stands in the way; everything that was started is stopped then
 */
export async function startCloud(settings: CloudSettings, step: Step): Promise<Cloud> {
  const stateDir = settings.state_dir;
  await privateDirectory(stateDir);
  const secrets = await secretsOf(stateDir);
  const external = await externalNetworkOf(stateDir);
  const opened: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const each of opened.splice(0).reverse()) await each();
  };
  try {
    const logging = openLog({ level: settings.log_level, file: settings.log_file });
    opened.push(() => logging.close());
    const { log } = logging;
    const metered = settings.metrics_port > 0;
    const metrics = metered ? await openMetrics() : undefined;
    if (metrics) {
      const server = await serveMetrics(metrics, settings.metrics_port + settings.port_offset);
      opened.push(() => server.close());
    }
    const plainBus = await openBus(settings.transport_url, {
      onFailure: (err, where) => log.error({ err, ...where }, 'a handler failed'),
    });
    opened.push(() => plainBus.close());
    const bus = metrics ? measuredBus(plainBus, metrics) : plainBus;
    const identity = bus.client(identityService);
    const authenticator = cachingAuthenticator((token) => identity.validateToken({ token }));
    await bus.subscribe(tokensRevoked, () => authenticator.forget());

    const host: ServiceHost = serviceHost(
      {
        stateDir,
        address: settings.address,
        portOffset: settings.port_offset,
        host: settings.host,
        region: settings.region,
        settings: {
          ...settings,
          metadata_secret: secrets.metadataSecret,
          external_address: `${external.gateway}/${external.cidr.split('/')[1]}`,
        },
        sections: sectionsOf(settings),
        databaseUrl: (service) => databaseUrl(settings, service),
        bus,
        authenticator,
        log,
        observe: ({ service, method, route, status, seconds }) =>
          (metrics ?? noMetrics).httpRequest({ service, method, route, status }, seconds),
      },
      ports,
    );
    opened.push(() => host.close());
    for (const service of services) await step(service.name, () => host.start(service));
    const urls = host.urls();
    await step('accounts and catalog', async () => {
      const { adminPassword, demoPassword } = secrets;
      await bus.client(identityAdmin, { host: settings.host }).bootstrap({
        adminPassword,
        demoPassword,
        region: settings.region,
        endpoints: services.flatMap(({ name, catalog }) =>
          catalog
            ? [
                {
                  type: catalog.type,
                  name: catalog.name,
                  description: catalog.description,
                  url: `${urls[name]}${catalog.path}`,
                },
              ]
            : [],
        ),
      });
      await writeClientFiles(stateDir, {
        identityUrl: urls['identity'] ?? '',
        region: settings.region,
        accounts: accountsOf(secrets),
      });
    });
    const operator = await serveOperator(stateDir, host.offers);
    opened.push(() => new Promise((resolve) => operator.close(resolve)));
    log.info({ stateDir, urls }, 'the cloud is up');
    return { urls, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where a detached cloud logs. */
export const logFile = (stateDir: string): string => join(stateDir, 'cumulet.log');
