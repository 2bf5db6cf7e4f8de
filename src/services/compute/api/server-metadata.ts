import { Type } from 'typebox';
import { BadRequest, NotFound, OverQuota } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Compute } from '../compute.ts';
import { assertActionAllowed } from '../model/server-actions.ts';
import { quotaLimit } from '../store/quota-claims.ts';
import { closed } from './parameter-types.ts';
import { Metadata } from './server-body.ts';
import { serverFor } from './servers.ts';

const rule = (verb: string): string => `os_compute_api:server-metadata:${verb}`;
type Entries = Record<string, string>;

/** A server's metadata as a sub-resource. */
export function serverMetadataRoutes(compute: Compute): Route[] {
  const { store, servers: changes } = compute;
  const path = '/v2.1/servers/:id/metadata';

  /** Writes what `next` makes of the entries, if the server's state allows it. */
  async function change(call: Call, verb: string, next: (now: Entries) => Entries): Promise<Entries> {
    const seen = await serverFor(compute, call, rule(verb));
    return store.transaction(async () => {
      const server = await changes.find(seen.id);
      const action = verb === 'delete' ? 'delete metadata' : 'update metadata';
      const metadata = next(server.metadata);
      assertActionAllowed(server, action, { isAdmin: call.can('context_is_admin') });
      const most = await quotaLimit(store, 'metadata_items', server.project_id);
      if (most >= 0 && Object.keys(metadata).length > most)
        throw new OverQuota(403, `Maximum number of metadata items exceeds ${most}`);
      await changes.change({ id: server.id }, { metadata });
      return metadata;
    });
  }
  const keyOf = (call: Call): string => call.params['key'] ?? '';
  const existing = (metadata: Entries, key: string): string => {
    const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
    if (value === undefined) throw new NotFound('Metadata item was not found');
    return value;
  };

  return [
    route({
      method: 'GET',
      path,
      summary: "List a server's metadata",
      handler: async (call) => ({ metadata: (await serverFor(compute, call, rule('index'))).metadata }),
    }),
    route({
      method: 'POST',
      path,
      summary: "Add to a server's metadata",
      body: closed({ metadata: Metadata }),
      handler: async (call) => {
        const { metadata } = call.body as { metadata: Entries };
        return { metadata: await change(call, 'create', (now) => ({ ...now, ...metadata })) };
      },
    }),
    route({
      method: 'PUT',
      path,
      summary: "Replace a server's metadata",
      body: closed({ metadata: Metadata }),
      handler: async (call) => {
        const { metadata } = call.body as { metadata: Entries };
        return { metadata: await change(call, 'update_all', () => metadata) };
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:key`,
      summary: "Show an entry of a server's metadata",
      handler: async (call) => {
        const { metadata } = await serverFor(compute, call, rule('show'));
        return { meta: { [keyOf(call)]: existing(metadata, keyOf(call)) } };
      },
    }),
    route({
      method: 'PUT',
      path: `${path}/:key`,
      summary: "Set an entry of a server's metadata",
      body: Type.Object({ meta: Metadata }, { additionalProperties: false }),
      handler: async (call) => {
        const { meta } = call.body as { meta: Entries };
        const value = meta[keyOf(call)];
        if (Object.keys(meta).length !== 1) throw new BadRequest('Request body contains too many items');
        if (value === undefined) throw new BadRequest('Request body and URI mismatch');
        await change(call, 'update', (now) => ({ ...now, ...meta }));
        return { meta };
      },
    }),
    route({
      method: 'DELETE',
      path: `${path}/:key`,
      summary: "Delete an entry of a server's metadata",
      handler: async (call) => {
        await change(call, 'delete', (now) => {
          existing(now, keyOf(call));
          const { [keyOf(call)]: _, ...rest } = now;
          return rest;
        });
        return answer(204);
      },
    }),
  ];
}
