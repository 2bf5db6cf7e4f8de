import { BadRequest, NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { ImageCache } from '../drivers/image-cache.ts';
import type { ImageService } from './image-service.ts';

/** The cache of this host, for administrators. */
export function cacheRoutes(service: ImageService): Route[] {
  const { images } = service;

  /** @throws Forbidden, and NotFound where nothing is cached */
  function cacheFor(call: Call, rule: string): ImageCache {
    call.enforce(rule);
    if (!service.cache) throw new NotFound('Caching via API is not supported at this site.');
    return service.cache;
  }
  const seconds = (time: string): number => Date.parse(time) / 1000;

  async function list(call: Call) {
    const rows = await cacheFor(call, 'cache_list').rows();
    return {
      cached_images: rows
        .filter(({ state }) => state === 'cached')
        .map((row) => ({
          image_id: row.image_id,
          hits: row.hits,
          last_accessed: seconds(row.last_accessed),
          last_modified: seconds(row.last_modified),
          size: row.size,
        })),
      queued_images: rows.filter(({ state }) => state === 'queued').map(({ image_id }) => image_id),
    };
  }

  async function queue(call: Call) {
    const id = call.params['id'] as string;
    const cache = cacheFor(call, 'cache_image');
    const row = id.length <= 36 ? await images.row(id) : undefined;
    if (!row) throw new NotFound(`Image ${id} not found.`);
    if (row.status !== 'active')
      throw new BadRequest('Only images with status active can be targeted for queueing');
    await cache.queue(id);
    return answer(202);
  }

  async function remove(call: Call): Promise<void> {
    const id = call.params['id'] as string;
    const cache = cacheFor(call, 'cache_delete');
    const found = id.length <= 36 && ((await cache.remove(id)) || (await images.row(id)) !== undefined);
    if (!found) throw new NotFound(`Image ${id} not found.`);
  }

  async function clear(call: Call): Promise<void> {
    const cache = cacheFor(call, 'cache_delete');
    const target = String(call.headers['x-image-cache-clear-target'] ?? '').toLowerCase();
    if (!['', 'cache', 'queue'].includes(target))
      throw new BadRequest(
        "If provided 'x-image-cache-clear-target' must be 'cache', 'queue' or empty string.",
      );
    if (target !== 'queue') await cache.clear('cached');
    if (target !== 'cache') await cache.clear('queued');
  }

  return [
    route({ method: 'GET', path: '/cache', summary: 'List what is cached and queued', handler: list }),
    route({ method: 'DELETE', path: '/cache', summary: 'Clear the cache', handler: clear }),
    route({ method: 'PUT', path: '/cache/:id', summary: 'Queue an image for caching', handler: queue }),
    route({
      method: 'DELETE',
      path: '/cache/:id',
      summary: 'Remove an image from the cache',
      handler: remove,
    }),
    route({
      method: 'POST',
      path: '/cache/clean',
      summary: 'Remove what is invalid from the cache',
      handler: async (call) => {
        await cacheFor(call, 'cache_clean').clean();
        return answer(200);
      },
    }),
    route({
      method: 'POST',
      path: '/cache/prune',
      summary: 'Make the cache fit',
      handler: async (call) => {
        const { files, bytes } = await cacheFor(call, 'cache_prune').prune();
        return { total_files_pruned: files, total_bytes_pruned: bytes };
      },
    }),
  ];
}
