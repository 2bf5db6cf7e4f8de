import { type Route, route } from '../../../platform/http/route.ts';
import type { ImageService } from './image-service.ts';

export function infoRoutes({ stores }: ImageService): Route[] {
  const described = () =>
    stores.all().map(({ name, description }, at) => ({
      id: name,
      description,
      ...(at === 0 ? { default: 'true' } : {}),
    }));
  return [
    route({
      method: 'GET',
      path: '/info/import',
      summary: 'List the ways of importing an image',
      handler: () => ({
        'import-methods': { description: 'Import methods available.', type: 'array', value: [] },
      }),
    }),
    route({
      method: 'GET',
      path: '/info/stores',
      summary: 'List the stores',
      handler: () => ({ stores: described() }),
    }),
  ];
}
