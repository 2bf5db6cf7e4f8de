import type { Readable } from 'node:stream';
import { BadRequest, Conflict } from '../../../../platform/errors/errors.ts';
import { bodyOf } from './body.ts';

/** An image of another region, read with the rights of who asked for its import. */
export interface RemoteImages {
  /** @throws BadRequest, Conflict where it cannot be had */
  describe(source: RemoteSource, token: string, signal: AbortSignal): Promise<RemoteDescription>;
  open(source: RemoteSource, token: string, signal: AbortSignal): Promise<Readable>;
}

export interface RemoteSource {
  imageId: string;
  region: string;
  interface: string;
}

export interface RemoteDescription {
  diskFormat: string | null;
  containerFormat: string | null;
  size: number;
  /** Custom properties that are to come along. */
  properties: Record<string, string>;
}

interface CatalogEntry {
  type?: string;
  endpoints?: { region?: string; region_id?: string; interface?: string; url?: string }[];
}

/** A description is small; one that is not is none. Bytes. */
const longestAnswer = 8 * 2 ** 20;

/**
 * @param identityUrl the identity service whose catalog says where the image services of the regions are
 * @param prefixes of the names of properties that come along: `glance_download_extra_properties`
 */
export function remoteImages(identityUrl: () => string, prefixes: readonly string[]): RemoteImages {
  async function ask(url: string, token: string, signal: AbortSignal): Promise<Response> {
    const response = await fetch(url, {
      headers: { 'x-auth-token': token, accept: 'application/json', 'accept-encoding': 'identity' },
      // A token goes to the catalog's endpoints only.
      redirect: 'error',
      signal,
    }).catch((cause: unknown) => {
      throw new BadRequest('The remote image service does not answer.', { cause });
    });
    if (response.ok) return response;
    await response.body?.cancel();
    throw new BadRequest(`The remote service answered with status ${response.status}.`);
  }
  async function askJson(url: string, token: string, signal: AbortSignal): Promise<unknown> {
    const { body } = await ask(url, token, signal);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of body ?? []) {
      size += chunk.length;
      if (size > longestAnswer) throw new BadRequest('The remote service answers too much.');
      chunks.push(chunk);
    }
    try {
      return JSON.parse(Buffer.concat(chunks).toString('utf8'));
    } catch (cause) {
      throw new BadRequest('The remote service did not answer with JSON.', { cause });
    }
  }
  async function endpoint(source: RemoteSource, token: string, signal: AbortSignal): Promise<string> {
    const { catalog = [] } = (await askJson(`${identityUrl()}/v3/auth/catalog`, token, signal)) as {
      catalog?: CatalogEntry[];
    };
    const url = catalog
      .filter(({ type }) => type === 'image')
      .flatMap(({ endpoints = [] }) => endpoints)
      .find(
        (each) => (each.region_id ?? each.region) === source.region && each.interface === source.interface,
      )?.url;
    if (url === undefined)
      throw new BadRequest(`There is no ${source.interface} image endpoint in region ${source.region}.`);
    return `${url.replace(/\/+$/, '').replace(/\/v2$/, '')}/v2/images/${source.imageId}`;
  }

  return {
    async describe(source, token, signal) {
      const url = await endpoint(source, token, signal);
      const image = (await askJson(url, token, signal)) as Record<string, unknown>;
      if (image['status'] !== 'active')
        throw new Conflict(`Source image status should be active instead of ${String(image['status'])}`);
      if (!Number.isSafeInteger(image['size']))
        throw new BadRequest(`Size attribute of remote image ${source.imageId} could not be determined.`);
      const wanted = Object.entries(image).filter(
        ([name, value]) =>
          typeof value === 'string' &&
          !name.startsWith('os_glance') &&
          prefixes.some((prefix) => name.startsWith(prefix)),
      );
      const text = (value: unknown) => (typeof value === 'string' ? value : null);
      return {
        diskFormat: text(image['disk_format']),
        containerFormat: text(image['container_format']),
        size: image['size'] as number,
        properties: Object.fromEntries(wanted) as Record<string, string>,
      };
    },
    async open(source, token, signal) {
      const url = await endpoint(source, token, signal);
      return bodyOf(await ask(`${url}/file`, token, signal), 'The remote image service');
    },
  };
}
