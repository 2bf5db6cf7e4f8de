import { randomBytes } from 'node:crypto';
import { systemClock } from '../../../platform/clock/clock.ts';
import { sectionOf } from '../../../platform/config/section.ts';
import { Forbidden, NotFound } from '../../../platform/errors/errors.ts';
import type { Authorizer } from '../../../platform/http/authorizer.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Platform, ServiceDefinition } from '../../../platform/service/service.ts';
import { computeService } from '../contract.ts';
import { lookUp, rootListing } from '../model/metadata/lookup.ts';
import type { MetadataFile } from '../model/metadata/openstack-tree.ts';
import { computeSettings } from '../settings.ts';
import { metadataCache } from './cache.ts';
import { metadataCaller } from './caller.ts';
import { metadataErrors } from './style.ts';

const port = 8775;

/** Whoever asks is known by a signature, not by a token: there is nothing that policy could permit. */
const noPolicy: Authorizer = {
  check: () => false,
  enforce: () => {
    throw new Forbidden();
  },
};

/** Tells guests about themselves, at 169.254.169.254 as they see it. */
export const metadata: ServiceDefinition = {
  name: 'metadata',
  port,
  async start(platform) {
    await platform.listen(
      {
        name: 'metadata',
        title: 'Metadata',
        errors: metadataErrors,
        routes: routes(platform),
        guardsUnknownPaths: false,
      },
      port,
      noPolicy,
    );
    return { close: async () => {} };
  },
};

function routes({ bus, settings, log }: Platform): Route[] {
  const secret = settings.metadata_secret;
  if (!secret)
    throw new Error('metadata: metadata_secret is not set: nobody could be told from anybody else');
  const { dhcp_domain: dhcpDomain } = sectionOf(computeSettings, settings);
  const server = metadataCache(bus.client(computeService), systemClock);

  async function read(call: Call): Promise<unknown> {
    const caller = callerOf(call);
    const meta = await server(caller.serverId);
    // The network says whose port the guest has; where compute says otherwise, nothing is told.
    if (!meta || meta.projectId !== caller.projectId) throw new NotFound('The resource could not be found.');
    const randomSeed = randomBytes(512).toString('base64');
    const found = lookUp(meta, call.params['*'] ?? '', { dhcpDomain, randomSeed }, caller.address);
    if (!found) throw new NotFound('The resource could not be found.');
    return sent(found);
  }

  function callerOf(call: Call) {
    try {
      return metadataCaller(call.headers, secret as string);
    } catch (error) {
      const claimed = String(call.headers['x-instance-id'] ?? '').slice(0, 64);
      log.warn(
        { serverId: claimed, remoteAddress: call.remoteAddress },
        'a request for metadata was refused',
      );
      throw error;
    }
  }

  return [
    route({
      method: 'GET',
      path: '/',
      public: true,
      summary: 'List the versions of the EC2 tree',
      handler: () => sent({ body: rootListing, type: 'text/plain' }),
    }),
    route({
      method: 'GET',
      path: '/*',
      public: true,
      summary: 'Show a file or list a directory of the metadata of the server that asks',
      handler: read,
    }),
  ];
}

const sent = ({ body, type }: MetadataFile) =>
  answer(200, typeof body === 'string' ? body : Buffer.from(body), {
    'content-type': type === 'text/plain' ? 'text/plain; charset=utf-8' : type,
  });
