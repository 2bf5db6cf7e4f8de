import { Forbidden } from '../../../platform/errors/errors.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { ImageService } from './image-service.ts';

/** An image that is deactivated stays, but nobody but an administrator gets its bytes. */
const actions = [
  { action: 'deactivate', from: 'active', to: 'deactivated' },
  { action: 'reactivate', from: 'deactivated', to: 'active' },
] as const;

export function imageActionRoutes({ access, images, store }: ImageService): Route[] {
  return actions.map(({ action, from, to }) =>
    route({
      method: 'POST',
      path: `/images/:id/actions/${action}`,
      summary: `${action === 'deactivate' ? 'Deactivate' : 'Reactivate'} an image`,
      handler: (call) =>
        store.transaction(async () => {
          const seen = await access.see(call, call.params['id'] as string);
          access.enforce(call, action, seen);
          const { id, status } = seen.image.row;
          if (status === to) return;
          if (status !== from) throw new Forbidden(`Not allowed to ${action} image in status '${status}'`);
          await images.swap({ id, status: from }, { status: to });
        }),
    }),
  );
}
