import assert from 'node:assert/strict';
import { type Answered, admin, type Caller, type World } from '../../../platform/service/testing/world.ts';

/** What tests do with metadata definitions, as clients do it. */
export function metadefsIn(world: World) {
  let made = 0;
  const request = (
    method: string,
    path: string,
    options: { as?: Caller; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answered> => world.request('image', method, `/v2/metadefs${path}`, { as: admin, ...options });
  return {
    request,
    /** A namespace of its own for each test. @returns its path */
    async namespace(body: object = {}): Promise<{ name: string; path: string }> {
      const name = `Test::Namespace${String(++made).padStart(3, '0')}`;
      const created = await request('POST', '/namespaces', { body: { namespace: name, ...body } });
      assert.equal(created.status, 201, JSON.stringify(created.body));
      return { name, path: `/namespaces/${name}` };
    },
    /** What is asked, and what should be answered. */
    async expect(status: number, method: string, path: string, options: Parameters<typeof request>[2] = {}) {
      const { status: answered, body } = await request(method, path, options);
      assert.equal(answered, status, `${method} ${path}: ${JSON.stringify(body)}`);
      return body;
    },
  };
}
