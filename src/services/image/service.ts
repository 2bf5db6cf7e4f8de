import { resolve } from 'node:path';
import { FlowEngine } from '../../platform/flow/engine.ts';
import { under } from '../../platform/http/api.ts';
import type { Platform, RunningService, ServiceDefinition } from '../../platform/service/service.ts';
import { identityService } from '../identity/contract.ts';
import { accessTo } from './api/access.ts';
import { cacheRoutes } from './api/cache.ts';
import { imageActionRoutes } from './api/image-actions.ts';
import { imageDataRoutes } from './api/image-data.ts';
import { imageImportRoutes } from './api/image-import.ts';
import { imageLocationRoutes } from './api/image-locations.ts';
import { imageMemberRoutes } from './api/image-members.ts';
import type { ImageService } from './api/image-service.ts';
import { imageTagRoutes } from './api/image-tags.ts';
import { toImageView } from './api/image-view.ts';
import { imageRoutes } from './api/images.ts';
import { infoRoutes } from './api/info.ts';
import { metadefRoutes } from './api/metadef-routes.ts';
import { imagePolicies } from './api/policies.ts';
import { quotasOf } from './api/quotas.ts';
import { schemaRoutes } from './api/schemas.ts';
import { storeRoutes } from './api/stores.ts';
import { imageErrors } from './api/style.ts';
import { taskRoutes } from './api/tasks.ts';
import { unifiedLimits } from './api/unified-limits.ts';
import { versionRoutes } from './api/versions.ts';
import { imageService } from './contract.ts';
import { openImageCache } from './drivers/image-cache.ts';
import { openStores } from './drivers/open-stores.ts';
import { openStaging } from './drivers/staging.ts';
import { addLocation } from './flows/add-location.ts';
import { remoteImages } from './flows/import/remote-image.ts';
import { stagedElsewhere, stagedHandlers, stagedImages } from './flows/import/staged-elsewhere.ts';
import { importImage } from './flows/import-image.ts';
import { recover } from './flows/recover.ts';
import { removeData, removeLocation } from './flows/remove-data.ts';
import { bytesTaker } from './flows/take-bytes.ts';
import { uploadsOf } from './flows/upload-image.ts';
import { imageHandlers } from './handlers/image-handlers.ts';
import type { Image } from './model/image.ts';
import { imageSettingsOf } from './settings.ts';
import { imageQueries } from './store/images.ts';
import { memberQueries } from './store/members.ts';
import { loadStandardMetadefs } from './store/metadef-defaults.ts';
import { imageSchema } from './store/tables.ts';
import { taskQueries } from './store/tasks.ts';
import { usageQueries } from './store/usage.ts';

const port = 9292;

/** Images and who may use them, and their bytes. */
export const image: ServiceDefinition = {
  name: 'image',
  catalog: { type: 'image', name: 'glance', description: 'OpenStack Image Service', path: '' },
  port,
  start,
};

async function start(platform: Platform): Promise<RunningService> {
  const { bus, host, log } = platform;
  const settings = imageSettingsOf(platform.settings);
  const store = await platform.openStore(imageSchema);
  await loadStandardMetadefs(store);
  const authorizer = await platform.authorizer(imagePolicies);
  const stores = await openStores(settings, platform.stateDir);
  const images = imageQueries(store);
  const members = memberQueries(store);
  const staging = await openStaging(`${platform.stateDir}/staging`);
  const { left: undone, ...recovered } = await recover({ images, stores, staging, host });
  for (const err of undone)
    log.warn({ err }, 'what an unexpected end left in a store stays until the next start');
  if (recovered.requeued + recovered.removed > 0)
    log.info(recovered, 'images that an unexpected end had left half way are put right');

  const taker = bytesTaker();
  const uploads = uploadsOf({ db: store, images, stores, staging, taker, settings, host });
  const tasks = taskQueries(store, settings.task_time_to_live);
  const notify = (event: string, subject: Image): void => {
    bus
      .notify(event, toImageView(subject))
      .catch((err: unknown) => log.warn({ err, event }, 'a notification was lost'));
  };
  const tokens = new Map<string, string>();
  const elsewhere = stagedElsewhere(bus);
  const left = (id: string, err: unknown): void =>
    log.warn({ err, image: id }, 'an import left something undone in a store');
  const importing = importImage({
    db: store,
    images,
    tasks,
    stores,
    staging,
    taker,
    remote: remoteImages(() => platform.urlOf('identity'), settings.glance_download_extra_properties),
    elsewhere,
    settings,
    tokens,
    notify,
    left,
  });
  const locating = addLocation({ db: store, images, tasks, stores, taker, settings, notify, left });
  const engine = new FlowEngine({ store, runnerId: `image@${host}`, log }).register(importing, locating);
  const cache = settings.image_cache_dir
    ? await openImageCache({
        db: store,
        images,
        stores,
        taker,
        host,
        directory: resolve(platform.stateDir, settings.image_cache_dir),
        most: settings.image_cache_max_size,
        stalled: settings.image_cache_stall_time,
        patience: settings.cache_prefetcher_interval,
        failed: (id, err) => log.warn({ err, image: id }, 'an image could not be cached'),
      })
    : undefined;
  const removeImageData = async (id: string, stagedOn = host): Promise<void> => {
    await removeData(images, stores, id);
    await staging.remove(id);
    if (stagedOn !== host) await elsewhere.remove(stagedOn, id);
    await cache?.remove(id);
  };
  const removing = (id: string, work: Promise<void>): Promise<void> =>
    work.catch((err: unknown) =>
      log.error(
        { err, image: id },
        "a deleted image's bytes could not be removed: tried again at the next start",
      ),
    );
  const limits = unifiedLimits(bus.client(identityService), platform.region);
  const service: ImageService = {
    store,
    images,
    members,
    access: accessTo(images, members),
    stores,
    uploads,
    tasks,
    quotas: quotasOf(usageQueries(store), limits, settings.use_keystone_limits),
    cache,
    settings,
    host,
    tokens,
    elsewhere,
    startImport: (input) =>
      engine.startFlow(importing, input, { resource: { type: 'image', id: input.imageId } }),
    startAddLocation: (input) =>
      engine.startFlow(locating, input, { resource: { type: 'image', id: input.imageId } }),
    removeData: (id, stagedOn) => removing(id, removeImageData(id, stagedOn)),
    removeLocation: (location) => removing(location.image_id, removeLocation(images, stores, location)),
    notify,
  };
  await engine.start();
  await cache?.start();
  const listener = await bus.serve(imageService, imageHandlers(service, authorizer));
  const stageListener = await bus.serve(stagedImages, stagedHandlers(staging), { host });
  await platform.listen(
    {
      name: 'image',
      title: 'Image',
      errors: imageErrors,
      readsUndeclaredJson: true,
      // An empty id is no image; without this the list would be answered, trailing slashes being ignored.
      rewrite: (path) => (path === '/v2/images/' ? '/v2/images/-' : path),
      routes: [
        ...versionRoutes,
        ...under('/v2', [
          ...schemaRoutes,
          ...metadefRoutes(store),
          ...infoRoutes(service),
          ...storeRoutes(service),
          ...imageRoutes(service),
          ...imageDataRoutes(service),
          ...imageImportRoutes(service),
          ...imageLocationRoutes(service),
          ...cacheRoutes(service),
          ...taskRoutes(service),
          ...imageMemberRoutes(service),
          ...imageTagRoutes(service),
          ...imageActionRoutes(service),
        ]),
      ],
    },
    port,
    authorizer,
  );
  return {
    async close() {
      await listener.close();
      await stageListener.close();
      await uploads.close();
      await engine.close();
      await cache?.close();
      await taker.close();
    },
  };
}
