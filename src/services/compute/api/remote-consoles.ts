import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { BadRequest, Conflict } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Compute } from '../compute.ts';
import { hashOfToken } from '../handlers/compute-service.ts';
import type { Server } from '../store/servers.ts';
import { closed } from './parameter-types.ts';
import type { ServerAction } from './server-action.ts';
import { serverFor } from './servers.ts';

/** How long an unused token opens its console: nova's `[consoleauth] token_ttl`. */
const tokenSeconds = 600;

/** What there is of upstream's kinds of consoles. */
const kinds: Record<string, { protocol: string; page: string }> = {
  novnc: { protocol: 'vnc', page: 'vnc_lite.html' },
};

/** Makes a console's URL, whose token opens it once. @throws BadRequest for a kind that there is not; Conflict */
async function openConsole(
  { store, platform }: Compute,
  server: Server,
  type: string,
): Promise<{ protocol: string; url: string }> {
  const kind = kinds[type];
  if (!kind) throw new BadRequest(`Invalid console type ${type}`);
  if (server.host === null || server.vm_state === 'building') throw new Conflict('Instance not yet ready');
  const token = randomUUID();
  const now = Date.now();
  await store.transaction(async () => {
    await store.db
      .deleteFrom('console_tokens')
      .where('expires_at', '<', timestamp(new Date(now)))
      .execute();
    await store.db
      .insertInto('console_tokens')
      .values({
        token_hash: hashOfToken(token),
        server_id: server.id,
        host: server.host as string,
        console_type: type,
        expires_at: timestamp(new Date(now + tokenSeconds * 1000)),
      })
      .execute();
  });
  // noVNC takes what it is to ask the proxy for out of `path`.
  return {
    protocol: kind.protocol,
    url: `${platform.urlOf('console')}/${kind.page}?path=%3Ftoken%3D${token}`,
  };
}

const policy = 'os_compute_api:os-remote-consoles';

/** The actions that gave consoles before 2.6. */
export function consoleActions(compute: Compute): Record<string, ServerAction> {
  const schema = closed({ type: Type.String({ minLength: 1, maxLength: 64 }) });
  const run = async (server: Server, _call: Call, { type }: { type: string }) => {
    const { url } = await openConsole(compute, server, type);
    return { console: { type, url } };
  };
  return Object.fromEntries(
    ['os-getVNCConsole', 'os-getSPICEConsole', 'os-getSerialConsole', 'os-getRDPConsole'].map((name) => [
      name,
      { policy, schema, until: '2.5', run },
    ]),
  );
}

export const remoteConsoleRoutes = (compute: Compute): Route[] => [
  route({
    method: 'POST',
    path: '/v2.1/servers/:id/remote-consoles',
    summary: 'Open a console',
    since: '2.6',
    body: closed({
      remote_console: closed({
        protocol: Type.Union(['vnc', 'spice', 'rdp', 'serial', 'mks'].map((each) => Type.Literal(each))),
        type: Type.Union(
          ['novnc', 'xvpvnc', 'spice-html5', 'rdp-html5', 'serial', 'webmks'].map((each) =>
            Type.Literal(each),
          ),
        ),
      }),
    }),
    handler: async (call) => {
      const server = await serverFor(compute, call, policy);
      const { protocol, type } = call.body.remote_console;
      const { url } = await openConsole(compute, server, String(type));
      return { remote_console: { protocol, type, url } };
    },
  }),
];
