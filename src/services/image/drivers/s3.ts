import { Readable } from 'node:stream';
import { AwsClient } from 'aws4fetch';
import { NotFound, PayloadTooLarge, ServiceUnavailable } from '../../../platform/errors/errors.ts';
import { answeredWithin } from './patience.ts';
import type { ImageStore, StoreIdentity, StoreWriter } from './store.ts';

export interface S3Options {
  /** `https://s3.example.org:9000`, or a host name for https. */
  host: string;
  bucket: string;
  accessKey: string;
  secretKey: string;
  region: string;
  /** Bytes of one part of an upload, from 5 MiB on: two of them are in memory. */
  partSize: number;
  /** Makes the bucket when it is not there. */
  createBucket: boolean;
}

/** What S3 takes: larger objects need larger parts. */
const mostParts = 10_000;
/** Every so many parts they grow by one part's size, so that an object of any size fits into the most parts. */
const partsOfOneSize = 1000;
/** Milliseconds for the answer to one request to begin, and how often one that fails is tried again. */
const patience = 300_000;
const retries = 3;

const scheme = 's3:';

/** Images as objects of an S3 bucket, named by their ids; larger ones go up in parts while they come in. */
export function s3Store(
  { name = 's3', description = '', weight = 0 }: Partial<StoreIdentity>,
  options: S3Options,
): ImageStore {
  const origin = new URL(/^https?:\/\//.test(options.host) ? options.host : `https://${options.host}`).origin;
  const root = `${origin}/${encodeURIComponent(options.bucket)}`;
  const client = new AwsClient({
    accessKeyId: options.accessKey,
    secretAccessKey: options.secretKey,
    service: 's3',
    region: options.region,
    retries,
  });
  const keyOf = (url: string): string => encodeURIComponent(url.slice(scheme.length));

  /** @param path below the bucket, with its query @throws NotFound, ServiceUnavailable with what S3 calls the error */
  async function ask(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const response = await answeredWithin(patience, (signal) =>
      client.fetch(`${root}${path}`, { method, signal, ...init }),
    ).catch((cause: unknown) => {
      throw new ServiceUnavailable('The object store does not answer.', { cause });
    });
    if (response.ok) return response;
    const said = (await response.text()).slice(0, 4096);
    const code = tag(said, 'Code') ?? String(response.status);
    if (response.status === 404 && code !== 'NoSuchBucket')
      throw new NotFound('Image data could not be found.');
    throw new ServiceUnavailable(`The object store refused a request: ${code}.`, { code });
  }
  const forget = (work: Promise<unknown>) =>
    work.catch((error: unknown) => {
      if (!(error instanceof NotFound)) throw error;
    });

  async function read(url: string, range?: { start: number; end: number }): Promise<Readable> {
    const headers: Record<string, string> = range ? { range: `bytes=${range.start}-${range.end}` } : {};
    const { body } = await ask('GET', `/${keyOf(url)}`, { headers });
    return body ? Readable.fromWeb(body as never) : Readable.from([]);
  }

  let bucketMade: Promise<unknown> | undefined;
  const bucket = () =>
    (bucketMade ??= options.createBucket
      ? ask('HEAD', '').catch((error: unknown) => {
          if (error instanceof NotFound) return ask('PUT', '');
          throw error;
        })
      : Promise.resolve()).catch((error: unknown) => {
      bucketMade = undefined;
      throw error;
    });

  return {
    name,
    description,
    weight,
    type: 's3',
    readOnly: false,
    properties: {
      s3_store_large_object_size: options.partSize / 2 ** 20,
      s3_store_large_object_chunk_size: options.partSize / 2 ** 20,
      s3_store_thread_pools: 1,
    },
    async begin(imageId) {
      await bucket();
      return writer(ask, imageId, options.partSize);
    },
    read,
    async readAt(url, offset, length) {
      if (length === 0) return Buffer.alloc(0);
      const bytes = await read(url, { start: offset, end: offset + length - 1 });
      return Buffer.concat(await bytes.toArray());
    },
    async size(url) {
      const response = await ask('HEAD', `/${keyOf(url)}`);
      return Number(response.headers.get('content-length'));
    },
    remove: async (url) => void (await forget(ask('DELETE', `/${keyOf(url)}`))),
    // Upstream puts the keys of the account into it; here they stay in the settings.
    addressOf: (url) => `s3+${root}/${keyOf(url)}`,
    urlOf(address) {
      const prefix = `s3+${root}/`;
      const key = address.startsWith(prefix) ? address.slice(prefix.length) : '';
      return key === '' || key.includes('/') ? undefined : `${scheme}${decodeURIComponent(key)}`;
    },
    async discard(imageId) {
      const key = encodeURIComponent(imageId);
      const listed = await ask('GET', `?uploads&prefix=${key}`)
        .then((response) => response.text())
        .catch(unlisted);
      for (const [, id = ''] of listed.matchAll(/<UploadId>([^<]+)<\/UploadId>/g))
        await forget(ask('DELETE', `/${key}?uploadId=${encodeURIComponent(id)}`));
      await forget(ask('DELETE', `/${key}`));
    },
    // A bucket may be shared with others: what is unfinished is known by the images that it is of.
    clean: async () => {},
  };
}

/** What says that a server has no such list, or that our keys may not ask for it: nothing is to be had of it then. */
const noLists = new Set(['NotImplemented', 'MethodNotAllowed', 'AccessDenied', '501', '405', '403']);

/** No uploads, where they cannot be listed. @throws whatever else went wrong: another time they may be */
function unlisted(error: unknown): string {
  if (error instanceof ServiceUnavailable && noLists.has(error.code ?? '')) return '';
  throw error;
}

type Ask = (method: string, path: string, init?: RequestInit) => Promise<Response>;

/** Gathers a part while the one before it is on its way. An image smaller than a part is one request. */
function writer(ask: Ask, imageId: string, partSize: number): StoreWriter {
  const key = encodeURIComponent(imageId);
  const etags: string[] = [];
  let uploadId: string | undefined;
  let part: Buffer<ArrayBuffer> = Buffer.allocUnsafe(partSize);
  let spare: Buffer<ArrayBuffer> | undefined;
  let filled = 0;
  let sending: Promise<void> = Promise.resolve();

  async function begin(): Promise<string> {
    const answered = await (await ask('POST', `/${key}?uploads`)).text();
    const id = tag(answered, 'UploadId');
    if (id === undefined) throw new ServiceUnavailable('The object store did not begin an upload.');
    return id;
  }
  async function send(): Promise<void> {
    await sending;
    uploadId ??= await begin();
    const number = etags.length + 1;
    if (number > mostParts) throw new PayloadTooLarge('The image is larger than the object store takes.');
    const full = part;
    const bytes = full.subarray(0, filled);
    const wanted = partSize * (1 + Math.floor(number / partsOfOneSize));
    part = spare?.length === wanted ? spare : Buffer.allocUnsafe(wanted);
    spare = undefined;
    filled = 0;
    etags.push('');
    sending = (async () => {
      const path = `/${key}?partNumber=${number}&uploadId=${encodeURIComponent(uploadId as string)}`;
      const response = await ask('PUT', path, { body: bytes });
      etags[number - 1] = response.headers.get('etag') ?? '';
      spare = full;
    })();
    // It is looked at when the next part goes, or at the end.
    sending.catch(() => {});
  }
  return {
    async write(bytes) {
      for (let at = 0; at < bytes.length; ) {
        const taken = bytes.subarray(at, at + part.length - filled);
        part.set(taken, filled);
        at += taken.length;
        filled += taken.length;
        if (filled === part.length) await send();
      }
    },
    async commit() {
      if (uploadId === undefined) {
        await ask('PUT', `/${key}`, { body: part.subarray(0, filled) });
        return `${scheme}${imageId}`;
      }
      if (filled > 0) await send();
      await sending;
      const parts = etags.map(
        (etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
      );
      const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
      const answered = await ask('POST', `/${key}?uploadId=${encodeURIComponent(uploadId)}`, { body });
      // S3 may answer 200 before it knows that it failed.
      const said = await answered.text();
      if (said.includes('<Error>'))
        throw new ServiceUnavailable(
          `The object store could not finish an upload: ${tag(said, 'Code') ?? ''}.`,
        );
      return `${scheme}${imageId}`;
    },
    async abort() {
      await sending.catch(() => {});
      if (uploadId !== undefined)
        await ask('DELETE', `/${key}?uploadId=${encodeURIComponent(uploadId)}`).catch(() => {});
    },
  };
}

const tag = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
