import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { LimitsRequest } from '../../identity/contract.ts';
import { unifiedLimits } from './unified-limits.ts';

it('limits are those that identity has for images in the region, and nothing is allowed that nobody registered', async () => {
  const asked: LimitsRequest[] = [];
  const limits = unifiedLimits(
    {
      async limits(request) {
        asked.push(request);
        return { model: 'flat', limits: { image_size_total: { limit: 7 }, image_count_total: null } };
      },
    },
    'RegionOne',
  );
  assert.deepEqual(await limits.limitOf('p', 'image_size_total'), { limit: 7 });
  assert.deepEqual(await limits.limitOf('p', 'image_count_total'), { limit: 0 });
  assert.deepEqual(asked[0], {
    serviceType: 'image',
    projectId: 'p',
    region: 'RegionOne',
    names: ['image_size_total'],
  });
});
