import { NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Image } from '../model/image.ts';
import { assertLimits } from '../model/limits.ts';
import type { ImageService } from './image-service.ts';
import { assertImage } from './json-patch.ts';

export function imageTagRoutes({ access, images, settings, store }: ImageService): Route[] {
  const change = (call: Call, changed: (image: Image) => string[]) =>
    store.transaction(async () => {
      const id = call.params['id'] as string;
      const seen = await access.see(call, id, `Image ${id} not found.`);
      access.enforce(call, 'modify_image', seen);
      const image = { ...seen.image, tags: changed(seen.image) };
      assertLimits(image, settings);
      await images.save(seen.image, image);
    });
  const path = '/images/:id/tags/:tag';
  return [
    route({
      method: 'PUT',
      path,
      summary: 'Add a tag to an image',
      handler: (call) => {
        const tag = call.params['tag'] as string;
        assertImage({ tags: [tag] });
        return change(call, ({ tags }) => [...new Set([...tags, tag])]);
      },
    }),
    route({
      method: 'DELETE',
      path,
      summary: 'Remove a tag from an image',
      handler: (call) => {
        const tag = call.params['tag'] as string;
        return change(call, ({ tags }) => {
          if (!tags.includes(tag)) throw new NotFound('The resource could not be found.');
          return tags.filter((each) => each !== tag);
        });
      },
    }),
  ];
}
