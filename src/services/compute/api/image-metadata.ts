import { BadRequest, NotFound, OverQuota } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Compute } from '../compute.ts';
import { quotaLimit } from '../store/quota-claims.ts';
import { asImageNotFound } from './images.ts';
import { closed } from './parameter-types.ts';
import { Metadata } from './server-body.ts';

/** It outlived the rest of compute's images by three microversions. */
const until = '2.38';

type Entries = Record<string, string>;

/** The custom properties of an image, as a sub-resource. */
export function imageMetadataRoutes({ image, store }: Compute): Route[] {
  const path = '/v2.1/images/:id/metadata';
  const idOf = (call: Call): string => call.params['id'] ?? '';
  const keyOf = (call: Call): string => call.params['key'] ?? '';
  const metadataOf = async (call: Call): Promise<Entries> =>
    (await image.show({ id: idOf(call) }).catch(asImageNotFound)).properties;

  async function change(call: Call, next: (now: Entries) => Entries): Promise<Entries> {
    const properties = next(await metadataOf(call));
    const most = await quotaLimit(store, 'metadata_items', call.credentials.projectId ?? '');
    if (most >= 0 && Object.keys(properties).length > most)
      throw new OverQuota(403, 'Image metadata limit exceeded');
    const changed = await image.setProperties({ id: idOf(call), properties }).catch(asImageNotFound);
    return changed.properties;
  }
  const existing = (metadata: Entries, key: string, complaint: string): string => {
    const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
    if (value === undefined) throw new NotFound(complaint);
    return value;
  };

  return [
    route({
      method: 'GET',
      path,
      until,
      summary: "List an image's metadata",
      handler: async (call) => ({ metadata: await metadataOf(call) }),
    }),
    route({
      method: 'POST',
      path,
      until,
      summary: "Add to an image's metadata",
      body: closed({ metadata: Metadata }),
      handler: async (call) => ({
        metadata: await change(call, (now) => ({ ...now, ...(call.body.metadata as Entries) })),
      }),
    }),
    route({
      method: 'PUT',
      path,
      until,
      summary: "Replace an image's metadata",
      body: closed({ metadata: Metadata }),
      handler: async (call) => ({ metadata: await change(call, () => call.body.metadata as Entries) }),
    }),
    route({
      method: 'GET',
      path: `${path}/:key`,
      until,
      summary: "Show an entry of an image's metadata",
      handler: async (call) => {
        const key = keyOf(call);
        const value = existing(await metadataOf(call), key, 'The resource could not be found.');
        return { meta: { [key]: value } };
      },
    }),
    route({
      method: 'PUT',
      path: `${path}/:key`,
      until,
      summary: "Set an entry of an image's metadata",
      body: closed({ meta: Metadata }),
      handler: async (call) => {
        const { meta } = call.body as { meta: Entries };
        if (Object.keys(meta).length !== 1) throw new BadRequest('Request body contains too many items');
        if (!Object.hasOwn(meta, keyOf(call))) throw new BadRequest('Request body and URI mismatch');
        await change(call, (now) => ({ ...now, ...meta }));
        return { meta };
      },
    }),
    route({
      method: 'DELETE',
      path: `${path}/:key`,
      until,
      summary: "Delete an entry of an image's metadata",
      handler: async (call) => {
        await change(call, (now) => {
          existing(now, keyOf(call), 'Invalid metadata key');
          const { [keyOf(call)]: _, ...rest } = now;
          return rest;
        });
        return answer(204);
      },
    }),
  ];
}
