import { after } from 'node:test';
import { describeResources } from '../../../platform/resource/testing/describe-resources.ts';
import { startWorld } from '../../../platform/service/testing/world.ts';
import { compute } from '../service.ts';

const world = await startWorld([compute]);
after(() => world[Symbol.asyncDispose]());

describeResources(world, 'compute', {
  // Everybody sees the public ones.
  flavor: { open: ['list', 'show'], openToMembers: ['list', 'show'] },
  server: { leftOut: 'creating one takes placement, network and image: servers.test starts them' },
});
