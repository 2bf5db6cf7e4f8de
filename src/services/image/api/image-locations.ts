import { createHash, randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { BadRequest, Conflict, Forbidden } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { importTask } from '../model/reserved.ts';
import { mayFetch } from '../model/uri-filter.ts';
import { assertFree, newTask } from './begin-import.ts';
import type { ImageService } from './image-service.ts';
import { locationsOf } from './image-view.ts';

const NewLocation = Type.Object({
  url: Type.String({ maxLength: 2048 }),
  validation_data: Type.Optional(
    Type.Object(
      {
        os_hash_algo: Type.Union(['sha1', 'sha256', 'sha512', 'md5'].map((name) => Type.Literal(name))),
        os_hash_value: Type.String({ maxLength: 128 }),
      },
      { additionalProperties: false },
    ),
  ),
});

/** The locations of images, for services; people may name what lies on the web, where there is a store for it. */
export function imageLocationRoutes(service: ImageService): Route[] {
  const { access, images, settings, store, stores } = service;

  async function add(call: Call<{ url: string; validation_data?: Record<string, string> }>) {
    const { url: address, validation_data: said } = call.body;
    const taskId = randomUUID();
    await store.transaction(async () => {
      const seen = await access.see(call, call.params['id'] as string);
      const { row } = seen.image;
      if (row.status !== 'queued')
        throw new Conflict(`It's not allowed to add locations if image status is ${row.status}.`);
      access.enforce(call, 'add_image_location', seen);
      const found = findStore(call, address);
      const validation = said
        ? { algorithm: said['os_hash_algo'] ?? '', value: said['os_hash_value'] ?? '' }
        : null;
      if (validation) assertHash(validation);
      await assertFree(service, seen.image);
      if (!stores.get(found.store).readOnly && (await images.hasUrl(found.store, found.url)))
        throw new Conflict('Another image has its data at this location.');
      const asked = { image_id: row.id, loc_url: address, validation_data: said ?? {} };
      await service.tasks.insert(newTask(taskId, 'location_import', call.credentials, row.id, asked));
      await images.setReserved(row.id, { [importTask]: taskId });
      await service.startAddLocation({ taskId, imageId: row.id, ...found, validation });
    });
    return answer(202);
  }

  function findStore(call: Call, address: string): { store: string; url: string } {
    const { roles, serviceRoles } = call.credentials;
    const trusted = [...roles, ...serviceRoles].includes('service');
    for (const each of stores.all()) {
      const url = trusted || each.type === 'http' ? each.urlOf(address) : undefined;
      if (url === undefined) continue;
      if (each.type === 'http' && !mayFetch(address, settings))
        throw new BadRequest(`URI for add location does not pass filtering: ${address}`);
      return { store: each.name, url };
    }
    if (!trusted) throw new Forbidden('http store must be enabled to use location API by normal user.');
    throw new BadRequest('Invalid location');
  }

  return [
    route({
      method: 'POST',
      path: '/images/:id/locations',
      summary: 'Add a location to an image',
      body: NewLocation,
      handler: add,
    }),
    route({
      method: 'GET',
      path: '/images/:id/locations',
      summary: 'Show the locations of an image',
      handler: async (call) => {
        const seen = await access.see(call, call.params['id'] as string);
        access.enforce(call, 'fetch_image_location', seen);
        return locationsOf(stores, seen.image);
      },
    }),
  ];
}

function assertHash({ algorithm, value }: { algorithm: string; value: string }): void {
  if (!/^([0-9a-f]{2})*$/i.test(value))
    throw new BadRequest(`os_hash_value (${value}) is not a valid hexadecimal value`);
  const wanted = createHash(algorithm).digest().length;
  if (value.length / 2 !== wanted)
    throw new BadRequest(
      `os_hash_value: (${value}) is not the correct size for (${algorithm}) (should be (${wanted}) bytes)`,
    );
}
