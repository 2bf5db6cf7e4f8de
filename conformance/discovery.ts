import { type CloudApi, list, record } from './api.ts';
import { type IdentityFeatures, identityFeatures } from './identity-features.ts';

/** From one microversion to another, both as `2.1`. */
export interface Microversions {
  min: string;
  max: string;
}

/** What a cloud says about itself, as far as Tempest wants to be told. */
export interface Discovered {
  /** Service types in the catalog. */
  services: ReadonlySet<string>;
  compute: Microversions | undefined;
  placement: Microversions | undefined;
  volume: Microversions | undefined;
  networkExtensions: readonly string[];
  diskFormats: readonly string[];
  containerFormats: readonly string[];
  imageImport: boolean;
  imageCache: boolean;
  /** Whether images show where their bytes are, and may be told so. */
  imageLocations: boolean;
  /** Whether `os_glance_…` is kept for the service's own properties. */
  imageReserved: boolean;
  identity: IdentityFeatures;
  /** Services that refuse tokens whose scope is of another kind than the operation is for. */
  enforcesScope: ReadonlySet<string>;
  computeHosts: number;
}

export async function discover(api: CloudApi): Promise<Discovered> {
  const services = new Set(api.endpoints.keys());
  const from = async <T>(type: string, otherwise: T, ask: (url: string) => Promise<T>): Promise<T> =>
    services.has(type) ? await ask(api.endpoint(type)) : otherwise;
  const volumeType = volumeTypeOf(services);
  const identity = await identityFeatures(api);
  const imageSchema = await from('image', {}, (url) => api.request('GET', `${url}/v2/schemas/image`));
  return {
    services,
    compute: await from('compute', undefined, (url) => microversions(api, url)),
    placement: await from('placement', undefined, (url) => microversions(api, url)),
    volume: volumeType ? await from(volumeType, undefined, (url) => microversions(api, url)) : undefined,
    networkExtensions: await from('network', [], async (url) =>
      list((await api.request('GET', `${url}/v2.0/extensions`))['extensions']).map((one) =>
        String(one['alias']),
      ),
    ),
    diskFormats: valuesOf(imageSchema, 'disk_format'),
    containerFormats: valuesOf(imageSchema, 'container_format'),
    imageCache: await from(
      'image',
      false,
      async (url) => (await api.ask('GET', `${url}/v2/cache`)).status === 200,
    ),
    imageImport: await from('image', false, async (url) => {
      const { status, body } = await api.ask('GET', `${url}/v2/info/import`);
      return status === 200 && ((record(body['import-methods'])['value'] as unknown[]) ?? []).length > 0;
    }),
    ...(await from('image', { imageLocations: false, imageReserved: false }, (url) =>
      imageProperties(api, url),
    )),
    identity,
    enforcesScope: await whoEnforceScope(api, identity),
    computeHosts: await from(
      'compute',
      0,
      async (url) =>
        list((await api.request('GET', `${url}/os-services?binary=nova-compute`))['services']).length,
    ),
  };
}

/** Where nothing of a project is shown to who has come for the whole system. */
const projectLists: Record<string, string> = { image: '/v2/images', compute: '/servers' };

async function whoEnforceScope(api: CloudApi, identity: IdentityFeatures): Promise<ReadonlySet<string>> {
  const found = new Set(identity.enforcesScope ? ['identity'] : []);
  const system = await api.tokenFor({ system: { all: true } });
  for (const [type, path] of Object.entries(projectLists)) {
    const url = api.endpoints.get(type);
    if (url === undefined || system === undefined) continue;
    const { status } = await api.ask('GET', `${url}${path}`, undefined, { 'x-auth-token': system });
    if (status === 403) found.add(type);
  }
  return found;
}

async function imageProperties(
  api: CloudApi,
  url: string,
): Promise<{ imageLocations: boolean; imageReserved: boolean }> {
  const reserved = await api.ask('POST', `${url}/v2/images`, { os_glance_probe: 'x' });
  if (reserved.status === 201) await api.ask('DELETE', `${url}/v2/images/${String(reserved.body['id'])}`);
  const image = await api.request('POST', `${url}/v2/images`, {});
  await api.ask('DELETE', `${url}/v2/images/${String(image['id'])}`);
  return { imageLocations: 'locations' in image, imageReserved: reserved.status === 403 };
}

/** The values that a JSON schema allows for a property. */
function valuesOf(schema: unknown, name: string): string[] {
  const values = record(record(record(schema)['properties'])[name])['enum'];
  return Array.isArray(values) ? values.filter((one) => typeof one === 'string') : [];
}

/** Block storage goes by two names in catalogs. */
export const volumeTypeOf = (services: ReadonlySet<string>): string | undefined =>
  ['block-storage', 'volumev3'].find((type) => services.has(type));

/** The newest version that a service's discovery document speaks of; undefined where it has no microversions. */
async function microversions(api: CloudApi, endpoint: string): Promise<Microversions | undefined> {
  // The document stands at the root: before `/v2.1`, `/v3/<project>` and the like.
  const root = endpoint.replace(/\/v\d+(\.\d+)?(\/.*)?$/, '');
  const { body } = await api.ask('GET', `${root}/`);
  for (const one of list(body['versions'])) {
    const max = one['max_version'] ?? one['version'];
    if (typeof one['min_version'] === 'string' && typeof max === 'string' && max !== '') {
      return { min: one['min_version'], max };
    }
  }
  return undefined;
}
