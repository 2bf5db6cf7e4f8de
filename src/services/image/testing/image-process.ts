import { member, startWorld } from '../../../platform/service/testing/world.ts';
import { image } from '../service.ts';

/** The image service in a process of its own, for tests that look at what a process takes or leaves. */
export interface ImageProcess {
  url: string;
  token: string;
}

/** Asked `peak`, it answers the most memory that it ever had, in bytes; asked `end`, it ends. */
export type ImageProcessQuestion = 'peak' | 'end';

const world = await startWorld([image]);
process.on('message', async (question: ImageProcessQuestion) => {
  if (question === 'peak') process.send?.(process.resourceUsage().maxRSS * 1024);
  else {
    await world[Symbol.asyncDispose]();
    process.disconnect?.();
  }
});
process.send?.({ url: world.urls['image'] as string, token: world.tokenFor(member) } satisfies ImageProcess);
