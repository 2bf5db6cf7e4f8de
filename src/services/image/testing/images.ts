import assert from 'node:assert/strict';
import type { Answered, Caller, World } from '../../../platform/service/testing/world.ts';

/** What tests do with images, as clients do it. */
export function imagesIn(world: World) {
  const request = (
    method: string,
    path: string,
    options: { as?: Caller; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answered> => world.request('image', method, path, options);

  return {
    request,
    async create(as: Caller, body: object = {}) {
      const made = await request('POST', '/v2/images', {
        as,
        body: { disk_format: 'raw', container_format: 'bare', ...body },
      });
      assert.equal(made.status, 201, JSON.stringify(made.body));
      return made.body;
    },
    /** Bytes, or a stream of them: sent in chunks, then. */
    async upload(
      as: Caller,
      id: string,
      bytes: Uint8Array | ReadableStream<Uint8Array>,
      headers: Record<string, string> = {},
      to: 'file' | 'stage' = 'file',
    ): Promise<Answered> {
      const response = await fetch(`${world.urls['image']}/v2/images/${id}/${to}`, {
        method: 'PUT',
        headers: {
          'x-auth-token': world.tokenFor(as),
          'content-type': 'application/octet-stream',
          ...headers,
        },
        body: bytes,
        duplex: 'half',
      } as object);
      return { status: response.status, headers: response.headers, body: await response.text() };
    },
    async download(
      as: Caller,
      id: string,
      headers: Record<string, string> = {},
      method = 'GET',
    ): Promise<{ status: number; headers: Headers; bytes: Buffer }> {
      const response = await fetch(`${world.urls['image']}/v2/images/${id}/file`, {
        method,
        headers: { 'x-auth-token': world.tokenFor(as), ...headers },
      });
      return {
        status: response.status,
        headers: response.headers,
        bytes: Buffer.from(await response.arrayBuffer()),
      };
    },
    /** @param operations as `…-v2.1-json-patch` has them */
    patch(as: Caller, id: string, operations: unknown): Promise<Answered> {
      return request('PATCH', `/v2/images/${id}`, {
        as,
        body: operations,
        headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
      });
    },
    async names(as: Caller, query = ''): Promise<string[]> {
      const { status, body } = await request('GET', `/v2/images${query}`, { as });
      assert.equal(status, 200, JSON.stringify(body));
      return body.images.map(({ name }: { name: string }) => name);
    },
  };
}
