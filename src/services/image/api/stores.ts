import { Conflict, Forbidden, NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { ImageStore } from '../drivers/store.ts';
import type { ImageService } from './image-service.ts';

/** What everybody may know of the stores, and what only those may who look after them. */
export function storeRoutes(service: ImageService): Route[] {
  const { access, images, store, stores } = service;

  const described = ({ name, description, readOnly }: ImageStore) => ({
    id: name,
    ...(description ? { description } : {}),
    // Texts, as upstream has them: clients compare with them.
    ...(name === stores.default().name ? { default: 'true' } : {}),
    ...(readOnly ? { 'read-only': 'true' } : {}),
  });

  async function removeFromStore(call: Call): Promise<void> {
    const { store_id: name = '', id = '' } = call.params;
    if (!stores.has(name)) throw new Conflict(`The selected store ${name} is not available on this node.`);
    const location = await store.transaction(async () => {
      const seen = await access.see(call, id).catch(() => {
        throw new NotFound(`Failed to find image ${id}`);
      });
      access.enforce(call, 'get_image_location', seen);
      access.enforce(call, 'delete_image_location', seen);
      if (seen.image.row.status !== 'active')
        throw new Conflict(
          "It's not allowed to remove image data from store if image status is not 'active'",
        );
      const locations = await images.locations(id);
      // Asked first, as upstream: whoever names another store than the last one is told the same.
      if (locations.length === 1)
        throw new Forbidden(
          'Cannot delete image data from the only store containing it. Consider deleting the image instead.',
        );
      const here = locations.find((each) => each.store === name);
      if (!here) throw new NotFound(`Image ${id} is not stored in store ${name}.`);
      await images.abandonLocation(here);
      return here;
    });
    await service.removeLocation(location);
  }

  return [
    route({
      method: 'GET',
      path: '/info/stores',
      summary: 'List the stores',
      handler: () => ({ stores: stores.all().map(described) }),
    }),
    route({
      method: 'GET',
      path: '/info/stores/detail',
      summary: 'List the stores with what they are made of',
      policy: 'stores_info_detail',
      handler: () => ({
        stores: stores.all().map((each) => ({
          ...described(each),
          type: each.type,
          properties: each.properties,
          weight: each.weight,
        })),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/stores/:store_id/:id',
      summary: 'Delete an image from one of its stores',
      handler: removeFromStore,
    }),
  ];
}
