import { readFileSync } from 'node:fs';
import { type CloudApi, list, record } from './api.ts';

/** What Tempest needs to find in a cloud; empty where the cloud lacks the service. */
export interface Resources {
  image: string;
  imageAlt: string;
  flavor: string;
  flavorAlt: string;
  publicNetwork: string;
}

/** Finds by name, or creates, what Tempest needs: it may be run against the same cloud again and again. */
export async function prepareResources(api: CloudApi, imageFile: string | undefined): Promise<Resources> {
  await prepareRoles(api);
  const has = (type: string) => api.endpoints.has(type);
  const [image, imageAlt] = has('image') ? await prepareImages(api, imageFile) : ['', ''];
  return {
    image,
    imageAlt,
    flavor: has('compute') ? await prepareFlavor(api, 'conformance-small', 128) : '',
    flavorAlt: has('compute') ? await prepareFlavor(api, 'conformance-large', 192) : '',
    publicNetwork: has('network') ? await preparePublicNetwork(api) : '',
  };
}

async function prepareRoles(api: CloudApi): Promise<void> {
  const url = `${api.access.authUrl}/v3/roles`;
  const names = new Set(list((await api.request('GET', url))['roles']).map((role) => role['name']));
  for (const name of ['member', 'reader', 'ResellerAdmin']) {
    if (!names.has(name)) await api.request('POST', url, { role: { name } });
  }
}

async function prepareFlavor(api: CloudApi, name: string, ram: number): Promise<string> {
  const url = `${api.endpoint('compute')}/flavors`;
  const found = list((await api.request('GET', url))['flavors']).find((one) => one['name'] === name);
  if (found) return String(found['id']);
  const made = await api.request('POST', url, { flavor: { name, ram, vcpus: 1, disk: 1 } });
  return String(record(made['flavor'])['id']);
}

async function prepareImages(api: CloudApi, file: string | undefined): Promise<[string, string]> {
  const url = `${api.endpoint('image')}/v2/images`;
  const active = list((await api.request('GET', `${url}?status=active&limit=100`))['images']);
  const idOf = (name: string) => active.find((one) => one['name'] === name)?.['id'];
  const make = async (name: string, format: string, data: Uint8Array): Promise<string> => {
    const body = { name, disk_format: format, container_format: 'bare', visibility: 'public' };
    const id = String((await api.request('POST', url, body))['id']);
    await api.request('PUT', `${url}/${id}/file`, data);
    return id;
  };
  // Without an image to boot, a megabyte of nothing does for hypervisors that boot nothing.
  const data = file === undefined ? new Uint8Array(1 << 20) : readFileSync(file);
  const format = Buffer.from(data.subarray(0, 4)).toString('latin1') === 'QFI\xfb' ? 'qcow2' : 'raw';
  const ensure = async (name: string) => String(idOf(name) ?? (await make(name, format, data)));
  return [await ensure('conformance'), await ensure('conformance-alt')];
}

async function preparePublicNetwork(api: CloudApi): Promise<string> {
  const url = `${api.endpoint('network')}/v2.0`;
  const external = list((await api.request('GET', `${url}/networks?router:external=true`))['networks']);
  if (external[0]) return String(external[0]['id']);
  const network = { name: 'conformance-public', 'router:external': true };
  const id = String(record((await api.request('POST', `${url}/networks`, { network }))['network'])['id']);
  const subnet = { network_id: id, ip_version: 4, cidr: '203.0.113.0/24', enable_dhcp: false };
  await api.request('POST', `${url}/subnets`, { subnet });
  return id;
}
