import { assertNotProtected, assertTransition } from '../model/image.ts';
import { stageHost } from '../model/reserved.ts';
import { type Asker, noSuchImage } from './access.ts';
import type { ImageService } from './image-service.ts';

/** Deletes an image and its bytes, if its asker may. @throws NotFound, Forbidden, Conflict */
export async function removeImage(service: ImageService, asker: Asker, id: string): Promise<void> {
  const { store, access, images } = service;
  const absent = `Failed to find image ${id} to delete`;
  const image = await store.transaction(async () => {
    const seen = await access.see(asker, id, absent);
    access.enforce(asker, 'delete_image', seen);
    assertNotProtected(seen.image.row);
    assertTransition(seen.image.row, 'deleted');
    if (!(await images.bury(id))) throw noSuchImage(id, absent);
    return seen.image;
  });
  await service.removeData(id, image.properties[stageHost]);
  service.notify('image.delete', image);
}
