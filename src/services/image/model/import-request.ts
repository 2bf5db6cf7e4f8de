import { BadRequest } from '../../../platform/errors/errors.ts';

export const importMethods = ['glance-direct', 'web-download', 'copy-image', 'glance-download'] as const;
export type ImportMethod = (typeof importMethods)[number];

/** An image import as it was asked for. */
export interface ImportRequest {
  method: {
    name: ImportMethod;
    uri?: unknown;
    glance_image_id?: string;
    glance_region?: string;
    glance_service_interface?: string;
  };
  /** Absent where nobody named any. */
  stores?: string[];
  allStores: boolean;
  allStoresMustSucceed: boolean;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** @throws BadRequest in glance's words */
export function parseImportRequest(body: unknown, enabled: readonly string[]): ImportRequest {
  if (!isObject(body) || !isObject(body['method']))
    throw new BadRequest("Import request requires a 'method' field.");
  const { method } = body;
  const { name } = method;
  if (name === undefined) throw new BadRequest("Import request requires a 'name' field.");
  const known = importMethods.find((each) => each === name);
  if (known === undefined || !enabled.includes(known))
    throw new BadRequest(
      `Unknown import method name '${name === null ? 'None' : String(name).slice(0, 300)}'.`,
    );
  const allStoresMustSucceed = flag(body, 'all_stores_must_succeed', true);
  const allStores = flag(body, 'all_stores', false);
  const { stores } = body;
  if (stores !== undefined && !(Array.isArray(stores) && stores.every((each) => typeof each === 'string')))
    throw new BadRequest("'stores' must be a list of stores' names");
  return {
    method: { ...(known === 'glance-download' ? readRemote(method) : { uri: method['uri'] }), name: known },
    allStores,
    allStoresMustSucceed,
    ...(stores === undefined ? {} : { stores: [...new Set(stores as string[])] }),
  };
}

function flag(body: Record<string, unknown>, name: string, otherwise: boolean): boolean {
  const value = body[name] ?? otherwise;
  if (typeof value !== 'boolean') throw new BadRequest(`'${name}' must be boolean value only`);
  return value;
}

function readRemote(method: Record<string, unknown>) {
  const { glance_region, glance_image_id, glance_service_interface = 'public' } = method;
  for (const [name, value] of Object.entries({ glance_region, glance_image_id }))
    if (value === undefined)
      throw new BadRequest(`'${name}' needs to be set for glance-download import method`);
  if (!uuid.test(String(glance_image_id)))
    throw new BadRequest(
      `Remote image id does not look like a UUID: ${String(glance_image_id).slice(0, 100)}`,
    );
  return {
    glance_region: String(glance_region),
    glance_image_id: String(glance_image_id),
    glance_service_interface: String(glance_service_interface),
  };
}
