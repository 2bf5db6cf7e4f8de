import type { TSchema } from 'typebox';
import type { Api } from './api.ts';
import type { Route } from './route.ts';

/** @returns a function that makes the OpenAPI 3.1 document of an API, once, when first asked */
export function openApiDocument(api: Api): () => object {
  let document: object | undefined;
  return () => {
    document ??= build(api);
    return document;
  };
}

function build(api: Api): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of api.routes) {
    const path = described(route.path).replaceAll(/:([A-Za-z_]+)/g, '{$1}') || '/';
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: { title: api.title, version: api.microversions?.max ?? '1' },
    paths,
    components: { securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' } } },
    security: [{ token: [] }],
  };
}

function operation(route: Route): object {
  const names = [...described(route.path).matchAll(/:([A-Za-z_]+)/g)].map((match) => match[1]);
  const schema = route.documented ?? newest(route.body);
  return {
    ...(route.summary ? { summary: route.summary } : {}),
    ...(route.public ? { security: [] } : {}),
    ...(route.since ? { 'x-openstack-min-version': route.since } : {}),
    ...(route.until ? { 'x-openstack-max-version': route.until } : {}),
    ...(names.length > 0
      ? {
          parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
        }
      : {}),
    ...(schema ? { requestBody: { required: true, content: { 'application/json': { schema } } } } : {}),
    responses: { [route.status ?? (route.method === 'DELETE' ? 204 : 200)]: { description: 'success' } },
  };
}

/** OpenAPI has no word for the rest of a path: it is shown as a parameter. */
const described = (path: string): string => path.replace(/\*$/, ':path');

function newest(body: Route['body']): TSchema | undefined {
  if (body === undefined) return undefined;
  return Array.isArray(body) ? (body.at(-1)?.[1] as TSchema | undefined) : (body as TSchema);
}
