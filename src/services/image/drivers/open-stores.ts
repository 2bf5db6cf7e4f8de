import { mayFetch } from '../model/uri-filter.ts';
import type { ImageSettings } from '../settings.ts';
import { fileStore } from './file.ts';
import { httpStore } from './http.ts';
import { s3Store } from './s3.ts';
import type { ImageStore } from './store.ts';
import { type Stores, storesOf } from './stores.ts';

type Options = Readonly<Record<string, unknown>>;
const mib = 2 ** 20;

/**
 * The stores that the settings name. Only this file knows every kind: another is an `ImageStore` and a line here.
 *
 * @param stateDir where the first file store keeps its files, in `images/`, unless it is told; others in `images-<name>/`
 * @throws Error that says which setting is wrong
 */
export async function openStores(settings: ImageSettings, stateDir: string): Promise<Stores> {
  const entries = Object.entries(settings.enabled_backends);
  const unknown = Object.keys(settings.stores).find((name) => !(name in settings.enabled_backends));
  if (unknown !== undefined) throw new Error(`stores: '${unknown}' is not among enabled_backends`);
  const firstFile = entries.find(([, type]) => type === 'file')?.[0];
  const opened: ImageStore[] = [];
  for (const [name, type] of entries) {
    if (!/^[\w.-]{1,64}$/.test(name) || name.startsWith('os_glance'))
      throw new Error(`enabled_backends: '${name}' is no name for a store`);
    const options = settings.stores[name] ?? {};
    const open = kinds[type];
    if (!open) throw new Error(`enabled_backends: '${name}' is of an unknown kind, '${type}'`);
    const folder = `${stateDir}/${name === firstFile ? 'images' : `images-${name}`}`;
    opened.push(await open(name, reader(name, options), { folder, settings }));
  }
  const [first, ...others] = opened;
  if (!first) throw new Error('enabled_backends: at least one store is needed');
  return storesOf([first, ...others], settings.default_backend || undefined);
}

const kinds: Record<
  string,
  (
    name: string,
    said: Reader,
    around: { folder: string; settings: ImageSettings },
  ) => Promise<ImageStore> | ImageStore
> = {
  file: (name, said, { folder }) =>
    fileStore(said.text('filesystem_store_datadir', folder), {
      name,
      ...said.identity('Files on the host of the image service'),
    }),
  http: (name, said, { settings }) =>
    httpStore({ name, ...said.identity('Images on web servers') }, (url) => mayFetch(url, settings)),
  s3: (name, said) =>
    s3Store(
      { name, ...said.identity('Objects in an S3 bucket') },
      {
        host: said.text('s3_store_host'),
        bucket: said.text('s3_store_bucket'),
        accessKey: said.text('s3_store_access_key'),
        secretKey: said.text('s3_store_secret_key'),
        region: said.text('s3_store_region_name', 'us-east-1'),
        partSize: said.number('s3_store_large_object_chunk_size', 10, 5) * mib,
        createBucket: said.text('s3_store_create_bucket_on_put', 'false') === 'true',
      },
    ),
};

type Reader = ReturnType<typeof reader>;

/** Reads the options of one store; every mistake names it. */
function reader(name: string, options: Options) {
  const text = (option: string, otherwise?: string): string => {
    const value = options[option] ?? otherwise;
    if (value === undefined || typeof value === 'object')
      throw new Error(`stores: ${name} needs ${option}, a text`);
    return String(value);
  };
  const number = (option: string, otherwise: number, least: number): number => {
    const value = Number(options[option] ?? otherwise);
    if (!Number.isInteger(value) || value < least)
      throw new Error(`stores: ${option} of ${name} must be a whole number from ${least} on`);
    return value;
  };
  return {
    text,
    number,
    identity: (description: string) => ({
      description: text('store_description', description),
      weight: number('weight', 0, -1_000_000),
    }),
  };
}
