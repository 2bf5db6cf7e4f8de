import { whileAgentsStart } from './create-server.ts';
import type { FlowParts } from './parts.ts';
import { placed } from './placed.ts';

/** The step that fills an image, made before, with the root disk of a server. */
export const writeImage = (parts: FlowParts) => ({
  retry: whileAgentsStart,
  deadline: 900_000,
  do: async ({ serverId, imageId }: { serverId: string; imageId: string }) => {
    const { host } = await placed(parts, serverId);
    // The image is active only if an earlier life of this step has filled it.
    const made = await parts.image.image({ id: imageId, admin: true });
    if (made?.status === 'active') return;
    await parts.agent(host).snapshot({ serverId, imageId });
  },
  undo: ({ imageId }: { imageId: string }) => parts.image.discard({ id: imageId }),
});
