import { type Route, route } from '../../../platform/http/route.ts';
import type { ImageService } from './image-service.ts';

export function infoRoutes({ quotas, settings }: ImageService): Route[] {
  return [
    route({
      method: 'GET',
      path: '/info/import',
      summary: 'List the ways of importing an image',
      handler: () => ({
        'import-methods': {
          description: 'Import methods available.',
          type: 'array',
          value: settings.enabled_import_methods,
        },
      }),
    }),
    route({
      method: 'GET',
      path: '/info/usage',
      summary: 'Show how much of its limits a project uses',
      handler: async (call) => ({ usage: await quotas.usageOf(call.credentials.projectId) }),
    }),
  ];
}
