import type { ImageSettings } from '../../settings.ts';
import { type ConversionFormat, convert } from './convert.ts';
import { decompress } from './decompress.ts';

/** What the plugins have made of an image so far. */
export interface Prepared {
  /** What was added to the name of its file; absent while the file is the one that came. */
  made?: string;
  diskFormat: string | null;
  containerFormat: string | null;
  /** To be set besides. */
  properties: Record<string, string>;
}

interface Preparing {
  plugins: readonly string[];
  pathOf(made?: string): string;
  /** Roles of who asked for the import. */
  roles: readonly string[];
  settings: ImageSettings;
  signal: AbortSignal;
}

/**
 * Runs the plugins over a staged image. Each makes a new file and leaves the one before it, so that all of it may be
 * done again after a crash.
 *
 * @throws BadRequest, PayloadTooLarge: the image is refused
 */
export async function prepare(
  given: Pick<Prepared, 'diskFormat' | 'containerFormat'>,
  { plugins, pathOf, roles, settings, signal }: Preparing,
): Promise<Prepared> {
  const most = settings.image_size_cap;
  let prepared: Prepared = { ...given, properties: {} };
  for (const [at, plugin] of plugins.entries()) {
    const path = pathOf(prepared.made);
    const made = `${at + 1}`;
    if (plugin === 'image_decompression' && prepared.containerFormat !== 'compressed') {
      if (await decompress(path, pathOf(made), { most, signal })) prepared = { ...prepared, made };
    } else if (plugin === 'image_conversion') {
      const to = settings.conversion_output_format as ConversionFormat;
      const diskFormat = prepared.diskFormat ?? '';
      if (await convert(path, pathOf(made), { diskFormat, to, most, rules: settings, signal }))
        prepared = { ...prepared, made, diskFormat: to, containerFormat: 'bare' };
    } else if (plugin === 'inject_image_metadata') {
      if (!roles.some((role) => settings.inject_ignore_user_roles.includes(role)))
        prepared = { ...prepared, properties: { ...prepared.properties, ...settings.inject } };
    }
  }
  return prepared;
}
